/** The part of parquetjs-lite that this project uses; the package carries no types. */
declare module 'parquetjs-lite' {
  export interface ParquetField {
    /** Left out of a plain group. */
    readonly type?: 'UTF8' | 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'BOOLEAN' | 'LIST';
    readonly optional?: boolean;
    readonly repeated?: boolean;
    readonly compression?: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY';
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

  /** Rows of a row group that are not written yet, column by column; those of whole pages are encoded already. */
  export interface ParquetRowBuffer {
    rowCount: number;
    pageRowCount: number;
    /** By path, joined with commas: values that are there, repetition and definition levels of all. */
    readonly columnData: Readonly<
      Record<
        string,
        | { readonly values: unknown[]; readonly rlevels: number[]; readonly dlevels: number[]; count: number }
        | undefined
      >
    >;
  }

  export class ParquetWriter {
    static openFile(schema: ParquetSchema, path: string, options?: ParquetWriterOptions): Promise<ParquetWriter>;
    setMetadata(key: string, value: string): void;
    /** Empty at first and after each row group: `appendRow` makes it with the first row. */
    readonly rowBuffer: ParquetRowBuffer | Readonly<Record<string, never>>;
    /** Encodes a page and writes a row group when they are full. */
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
