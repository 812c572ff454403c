import { refuse } from './guarded-loop.ts';

/** A candidate that waits for its turn, with the input of the trial it asks for. */
export interface Offer {
  readonly candidateVersion: string;
  readonly request: Readonly<Record<string, unknown>>;
}

const versionPattern = /^\d{1,9}\.\d{1,9}\.\d{1,9}$/;
const mostBytes = 8_192;

/** What waits behind the trial that runs: at most one offer, the newest. Only handlers of the slot's workflow change it. */
export class OfferSlot {
  readonly superseded: { readonly candidateVersion: string; readonly by: string }[] = [];
  #waiting: Offer | undefined;

  constructor(waiting?: Offer) {
    this.#waiting = waiting;
  }

  get waitingVersion(): string | null {
    return this.#waiting?.candidateVersion ?? null;
  }

  /** Takes an offer that {@link requireOffer} let through; the answer says what becomes of it. Offering the same twice changes nothing. */
  offer(offered: unknown, runningVersion: string | null): string {
    const request = offered as Record<string, unknown>;
    const candidateVersion = String(request['candidateVersion']);
    if (candidateVersion === runningVersion) return `${candidateVersion} is on trial already`;
    if (candidateVersion === this.waitingVersion) return `${candidateVersion} waits already`;
    const before = this.#waiting?.candidateVersion;
    if (before !== undefined) this.superseded.push({ candidateVersion: before, by: candidateVersion });
    this.#waiting = { candidateVersion, request };
    const replaced = before === undefined ? '' : `; ${before}, which waited, is superseded`;
    return runningVersion === null
      ? `${candidateVersion} is planned now, and begins if that finds it possible${replaced}`
      : `${candidateVersion} waits for the end of ${runningVersion}${replaced}`;
  }

  take(): Offer | undefined {
    const offer = this.#waiting;
    this.#waiting = undefined;
    return offer;
  }
}

/** Refuses in words what is no offer. The rest of the input is checked when its turn comes. */
export function requireOffer(offered: unknown): void {
  if (typeof offered !== 'object' || offered === null || Array.isArray(offered))
    refuse('expected {"candidateVersion": "1.2.3", …} as for trialPolicy');
  const version = (offered as Record<string, unknown>)['candidateVersion'];
  if (typeof version !== 'string' || !versionPattern.test(version))
    refuse(`candidateVersion: expected a policy version like 1.2.3, got ${JSON.stringify(version) ?? 'nothing'}`);
  if (JSON.stringify(offered).length > mostBytes) refuse(`expected an offer of at most ${mostBytes} bytes`);
}
