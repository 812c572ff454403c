/** `normalised = (value - mean) × scale`; the inverse is `value = normalised / scale + mean`. One entry a column. */
export interface Normalisation {
  readonly mean: Float32Array;
  /** 1 / standard deviation; 0 for a column that never varied: it then carries no information and is left out. */
  readonly scale: Float32Array;
}

/** Normalised observations are cut to ± this, so that an absurd reading cannot make the network overflow. */
export const normalisedLimit = 10;

export interface ColumnMoments {
  /** Takes rows in, flattened row-major; rows of any batch size. */
  take(values: Float32Array): void;
  readonly rows: number;
  /** Throws when a value was not finite, naming the column: a network trained on it would be silently worthless. */
  finish(): Normalisation;
}

/** Rows that are gone through column by column while they are in the processor's cache: several times faster than row by row. */
const cacheRows = 256;

/**
 * Mean and standard deviation of each column in one pass, in double precision, in constant memory, shifted by the first row
 * against cancellation (Chan, Golub, LeVeque 1983, section 2). The order of rows matters to the last bits only; readers keep file order.
 */
export function columnMoments(columns: number): ColumnMoments {
  const shift = new Float64Array(columns);
  const sum = new Float64Array(columns);
  const squares = new Float64Array(columns);
  let rows = 0;
  return {
    get rows() {
      return rows;
    },
    take(values) {
      if (rows === 0 && values.length > 0)
        for (let column = 0; column < columns; column += 1) shift[column] = values[column] ?? 0;
      const cut = cacheRows * columns;
      for (let start = 0; start < values.length; start += cut) {
        const end = Math.min(values.length, start + cut);
        for (let column = 0; column < columns; column += 1) {
          const offset = shift[column] ?? 0;
          let [total, square] = [0, 0];
          for (let index = start + column; index < end; index += columns) {
            const difference = (values[index] as number) - offset;
            total += difference;
            square += difference * difference;
          }
          sum[column] = (sum[column] ?? 0) + total;
          squares[column] = (squares[column] ?? 0) + square;
        }
      }
      rows += values.length / columns;
    },
    finish() {
      const mean = new Float32Array(columns);
      const scale = new Float32Array(columns);
      for (let column = 0; column < columns; column += 1) {
        const total = sum[column] ?? 0;
        const average = total / rows;
        const variance = Math.max(0, (squares[column] ?? 0) / rows - average * average);
        mean[column] = (shift[column] ?? 0) + average;
        if (!Number.isFinite(variance))
          throw new Error(`expected finite numbers in column ${column}, got NaN or Infinity`);
        const deviation = Math.sqrt(variance);
        scale[column] = deviation > 1e-6 * Math.max(1, Math.abs(mean[column] ?? 0)) ? 1 / deviation : 0;
      }
      return { mean, scale };
    },
  };
}
