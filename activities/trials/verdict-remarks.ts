import { plainReason } from '../../domain/words/plain-reason.ts';

/** A reason is kept with assignments, ends and incidents: no longer than all of them bear. */
const longestReason = 600;

/** The sentence of a verdict, whole wherever there is room for it, and behind it what else is to be known of the data. */
export const withRemarks = (sentence: string, remarks: readonly string[]): string =>
  (remarks.length === 0 ? sentence : `${sentence} Also: ${remarks.map(plainReason).join('; ')}.`).slice(
    0,
    longestReason,
  );
