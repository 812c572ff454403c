/**
 * What can be wrong with a Delta log. `conflict`: another writer changed what this commit builds on; `unsupported`: the
 * table needs a feature this code does not know; `corrupt`: the log does not hold what the format promises; `missing`:
 * there is no such table or version (any more).
 */
export type DeltaLogErrorKind = 'conflict' | 'unsupported' | 'corrupt' | 'missing';

export class DeltaLogError extends Error {
  readonly kind: DeltaLogErrorKind;
  readonly coordinates: Readonly<Record<string, string | number>>;

  constructor(
    kind: DeltaLogErrorKind,
    message: string,
    coordinates: Readonly<Record<string, string | number>>,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'DeltaLogError';
    this.kind = kind;
    this.coordinates = coordinates;
  }
}
