import { rootCause, setCurrentDetails, sleep, upsertSearchAttributes } from '@temporalio/workflow';

import { isNextRunDue } from './next-run.ts';
import { policyAttribute } from './search-attributes.ts';

/** What a run has done so far. */
export interface Done<Result> {
  /** How often, from 1. */
  readonly times: number;
  /** What it came to the last time that it came to its end. */
  readonly last: Result | null;
  /** Why the last time did not come to its end. */
  readonly failure: string | null;
}

/** Between two times of what is behind. */
const catchUpMs = 1_000;
const timesOfOneRun = 200;

/**
 * Does something for a policy every `everyMs`, and sooner while it is behind, until a new run is due. What fails is told and done again.
 * `tell` hears how it stands after each time and gives the text of the run's page.
 */
export async function keepDoing<Result extends { readonly isBehind: boolean }>({
  policy,
  everyMs,
  once,
  tell,
}: {
  readonly policy: string;
  readonly everyMs: number;
  readonly once: () => Promise<Result>;
  readonly tell: (done: Done<Result>) => string;
}): Promise<void> {
  upsertSearchAttributes([{ key: policyAttribute, value: policy }]);
  let last: Result | null = null;
  for (let times = 1; times <= timesOfOneRun && !isNextRunDue(); times += 1) {
    let failure: string | null = null;
    try {
      last = await once();
    } catch (error) {
      failure = rootCause(error) ?? String(error);
    }
    setCurrentDetails(tell({ times, last, failure }));
    await sleep(last?.isBehind === true && failure === null ? catchUpMs : everyMs);
  }
}
