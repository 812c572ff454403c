import type { InstallReport } from '../../protocol/index.ts';

export type InstallReason = InstallReport['reason'];

/** A model that must not run here, and why, in the words of the install report. */
export class ModelRefusal extends Error {
  readonly reason: InstallReason;

  constructor(reason: InstallReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ModelRefusal';
    this.reason = reason;
  }
}
