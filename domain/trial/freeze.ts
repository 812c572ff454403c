/** No trial of a policy goes further before `untilMs`, said by a person. */
export interface Freeze {
  readonly untilMs: number;
  readonly who: string;
  readonly why: string;
  readonly atMs: number;
}

/** `unreadable`: whether it is frozen is not known, which counts as frozen. */
export type FreezeState =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'frozen' } & Freeze)
  | { readonly kind: 'unreadable'; readonly reason: string };

const longestDays = 366;
const dayMs = 86_400_000;

/** The end of a freeze as people write it, a UTC day or a UTC time, Unix ms; undefined for what is neither, is over, or more than 366 days away. */
export function freezeEnd(text: string, nowMs: number): number | undefined {
  const isTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/.test(text);
  const untilMs = isTime ? Date.parse(text) : Number.NaN;
  // What no calendar has, like 30 February, is taken for another day by some readers.
  const isDay = !Number.isNaN(untilMs) && new Date(untilMs).toISOString().startsWith(text.slice(0, 10));
  return isDay && untilMs > nowMs && untilMs <= nowMs + longestDays * dayMs ? untilMs : undefined;
}

export const freezeEndWanted = `a UTC day or time that is to come, at most ${longestDays} days away, like 2026-12-24 or 2026-12-24T18:00Z`;

/** Why nothing goes further; undefined where it may. */
export function whyFrozen(state: FreezeState): string | undefined {
  switch (state.kind) {
    case 'none':
      return undefined;
    case 'frozen':
      return `frozen until ${new Date(state.untilMs).toISOString()} by ${state.who}: ${state.why}`;
    case 'unreadable':
      return `whether it is frozen is not known: ${state.reason}; set or lift a freeze to mend it`;
    default:
      return state satisfies never;
  }
}
