import { randomFromSeed } from '../../domain/statistics/index.ts';

const minutesADay = 1_440;
export const weekMinutes = 7 * minutesADay;

/** Minutes of the week `[from, to)`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What happens to one robot in a week. */
export interface RobotTroubles {
  readonly robotId: string;
  readonly site: string;
  /** Without contact, ascending and apart. */
  readonly away: readonly Span[];
  /** It fell back from a version that crashes. */
  readonly crashed?: Span;
  /** It refused a version. */
  readonly refused?: Span;
  /** A safety event. */
  readonly unsafeAt?: number;
  /** From then on its success is 20 points lower. */
  readonly hurtFrom?: number;
}

/** Whole sites without network. */
export const deadSites: readonly (Span & { readonly site: number })[] = [
  { site: 3, from: minutesADay + 600, to: minutesADay + 645 },
  { site: 6, from: 3 * minutesADay + 840, to: 3 * minutesADay + 1_020 },
  { site: 1, from: 5 * minutesADay + 180, to: 5 * minutesADay + 210 },
];

export const siteName = (index: number): string => `site-${index}`;

/**
 * A bad week, the same for the same seed: every robot loses contact for a minute or two twice a day, and for 10 to 60 min once in four days; two sites switch
 * their robots off from 22:00 to 06:00, one after the other; three sites lose their network; a promoted version crashes on one robot in 21 within three
 * hours; four robots refuse it; three report a safety event; five become 20 points worse.
 */
export function badWeek(seed: number, robots: number, sites: number): readonly RobotTroubles[] {
  const random = randomFromSeed(`incidents ${seed}`);
  const exponential = (mean: number): number => -mean * Math.log(1 - random());
  const between = (least: number, most: number): number => least + (most - least) * random();
  const promotedAt = 2 * minutesADay + 720;
  return Array.from({ length: robots }, (_, index): RobotTroubles => {
    const site = index % sites;
    const spans: Span[] = [];
    for (let at = exponential(minutesADay / 2); at < weekMinutes; at += exponential(minutesADay / 2))
      spans.push({ from: at, to: at + exponential(1.5) });
    for (let at = exponential(4 * minutesADay); at < weekMinutes; at += exponential(4 * minutesADay))
      spans.push({ from: at, to: at + between(10, 60) });
    if (site === 8 || site === 9)
      for (let day = 0; day < 7; day += 1) {
        const night = day * minutesADay + 1_320;
        spans.push({ from: night + between(0, 20), to: night + 480 + between(0, 20) });
      }
    for (const dead of deadSites) if (dead.site === site) spans.push({ from: dead.from + between(0, 1), to: dead.to });
    const crashes = index % 21 === 7 ? { crashed: later(promotedAt + between(5, 180), 720) } : {};
    const refusals = index % 125 === 11 ? { refused: later(promotedAt + between(5, 60), 1_440) } : {};
    return {
      robotId: `robot-${String(index).padStart(3, '0')}`,
      site: siteName(site),
      away: joined(spans),
      ...crashes,
      ...refusals,
      ...(index % 167 === 100 ? { unsafeAt: between(0, weekMinutes) } : {}),
      ...(index % 100 === 42 ? { hurtFrom: between(minutesADay, 5 * minutesADay) } : {}),
    };
  });
}

const later = (from: number, minutes: number): Span => ({ from, to: from + minutes });

/** Spans that overlap as one, ascending. */
function joined(spans: readonly Span[]): readonly Span[] {
  const result: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && span.from <= last.to)
      result[result.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
    else result.push(span);
  }
  return result;
}
