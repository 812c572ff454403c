import { ApplicationFailure } from '@temporalio/common';

/** An error as it crosses to another thread, where prototypes do not. */
export interface CarriedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** What else a failure of the catalogue says; details as JSON, because they are sent on as JSON. */
  readonly failure?: Pick<ApplicationFailure, 'type' | 'nonRetryable' | 'nextRetryDelay'> & {
    readonly details: string;
  };
  readonly cause?: CarriedError;
}

/** Errors of errors are carried no deeper. */
const maxCauses = 5;

/** What another thread needs to throw an error again. */
export function carryError(error: unknown, depth = 0): CarriedError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined };
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    stack,
    ...(error instanceof ApplicationFailure ? { failure: factsOf(error) } : {}),
    ...(cause === undefined || depth >= maxCauses ? {} : { cause: carryError(cause, depth + 1) }),
  };
}

const factsOf = ({ type, nonRetryable, details, nextRetryDelay }: ApplicationFailure) => ({
  type,
  nonRetryable,
  nextRetryDelay,
  details: JSON.stringify(details ?? []),
});

/** The error that was carried; a failure of the catalogue is one again. */
export function revealError({ name, message, stack, failure, cause }: CarriedError): Error {
  const inner = cause === undefined ? undefined : revealError(cause);
  const error =
    failure === undefined
      ? Object.assign(new Error(message, { cause: inner }), { name })
      : new ApplicationFailure(
          message,
          failure.type,
          failure.nonRetryable,
          JSON.parse(failure.details) as unknown[],
          inner,
          failure.nextRetryDelay,
        );
  if (stack !== undefined) error.stack = stack;
  return error;
}
