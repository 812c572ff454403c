/** The part of parquetjs-lite that this project uses; the package carries no types. */
declare module 'parquetjs-lite' {
  export interface ParquetField {
    /** Left out of a plain group. */
    readonly type?: 'UTF8' | 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'BOOLEAN' | 'LIST';
    readonly optional?: boolean;
    readonly repeated?: boolean;
    readonly compression?: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY' | 'ZSTD';
    readonly statistics?: false;
    readonly fields?: Readonly<Record<string, ParquetField>>;
  }

  /** Made by `new ParquetSchema(fields)`. */
  export interface ParquetSchema {
    readonly fields: unknown;
    readonly fieldList: readonly { readonly path: readonly string[] }[];
  }

  export interface ParquetWriterOptions {
    readonly useDataPageV2?: boolean;
    readonly pageIndex?: boolean;
    /** Rows a page, in spite of the name. */
    readonly pageSize?: number;
    readonly rowGroupSize?: number;
  }

  /** A row group whose pages are encoded, by the paths of the columns, joined with commas. */
  export interface ParquetRowGroup {
    readonly rowCount: number;
    readonly pages: Readonly<Record<string, readonly { readonly page: Uint8Array; readonly num_values: number }[]>>;
  }

  export class ParquetWriter {
    static openFile(schema: ParquetSchema, path: string, options?: ParquetWriterOptions): Promise<ParquetWriter>;
    setMetadata(key: string, value: string): void;
    /** What writes row groups as they are. */
    readonly envelopeWriter: { writeRowGroup(group: ParquetRowGroup): Promise<void> };
    appendRow(row: Readonly<Record<string, unknown>>): Promise<void>;
    close(): Promise<void>;
  }

  export class ParquetReader {
    static openFile(path: string): Promise<ParquetReader>;
    readonly schema: {
      readonly fields: Readonly<Record<string, unknown>>;
      findField(path: readonly string[]): { readonly dLevelMax: number };
    };
    readonly metadata: { readonly row_groups: readonly unknown[] };
    readonly envelopeReader: {
      readRowGroup(
        schema: unknown,
        group: unknown,
        columns: readonly (readonly string[])[],
      ): Promise<{ readonly rowCount: unknown; readonly columnData: unknown }>;
    };
    close(): Promise<void>;
  }

  const parquet: {
    readonly ParquetReader: typeof ParquetReader;
    readonly ParquetSchema: new (fields: Readonly<Record<string, ParquetField>>) => ParquetSchema;
    readonly ParquetWriter: typeof ParquetWriter;
  };
  export default parquet;
}

declare module 'parquetjs-lite/lib/codec/*' {
  const codec: {
    encodeValues(type: string, values: unknown[], options: { readonly bitWidth?: number }): Uint8Array;
  };
  export default codec;
}
