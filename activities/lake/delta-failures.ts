import { DeltaLogError, type DeltaLogErrorKind } from '../../datasets/delta/delta-log-error.ts';
import { failure, type FailureType } from '../../store/failures.ts';

const failureTypes: Readonly<Record<DeltaLogErrorKind, FailureType>> = {
  conflict: 'Conflict',
  unsupported: 'InvalidInput',
  corrupt: 'CorruptData',
  missing: 'NotFound',
};

/** Runs `work` on a Delta log; what is wrong with the log becomes a failure of the catalogue. */
export async function withDeltaFailures<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DeltaLogError)) throw error;
    throw failure(failureTypes[error.kind], error.message, { cause: error, coordinates: error.coordinates });
  }
}
