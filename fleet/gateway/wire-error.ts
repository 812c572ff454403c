import { wireErrors, type WireErrorType } from '../protocol/index.ts';

/** A request that is not done, in the protocol's words. */
export class WireError extends Error {
  readonly type: WireErrorType;
  readonly retryAfterMs: number | undefined;

  constructor(type: WireErrorType, message: string, options: { readonly retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'WireError';
    this.type = type;
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): number {
    return wireErrors[this.type].status;
  }
}
