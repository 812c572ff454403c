/** What the guard of a rollout said at one tick of the stage that runs. */
export interface StageTick {
  /** Real time. */
  readonly atMs: number;
  /** Fleet hours in which the stage was watched, and since the first exposure. */
  readonly hoursInStage: number;
  readonly hoursTotal: number;
  /** Of the candidate, of those that have something to be compared with. */
  readonly episodes: number;
  /** Candidate minus champion, and the least that it may be; -1 where nothing is proven. */
  readonly delta: number;
  readonly lowerBound: number;
}

/** What a stage must reach before the next one begins. */
export interface StageGoal {
  readonly minimumEpisodes: number;
  readonly minimumHours: number;
  readonly minimumTotalHours: number;
  /** The effect must be above minus this; null: the stage is judged by time alone. */
  readonly marginFraction: number | null;
}

export interface StageNeed {
  /** `bound`: the least that the effect may be, as a fraction. `hours` and `totalHours`: fleet hours. */
  readonly kind: 'episodes' | 'hours' | 'totalHours' | 'bound';
  readonly value: number;
  readonly needed: number;
  readonly isMet: boolean;
  /** How fast it grows at present, in one real hour; null: it does not grow, or nobody can say yet. */
  readonly perHour: number | null;
  /** When it is met at the present rate, real time; null: not at the present rate, or it is met already. */
  readonly metAtMs: number | null;
}

/** Ticks that say the present rate: an hour of them. */
const rateTicks = 12;
const hourMs = 3_600_000;

/**
 * What a stage of a rollout still needs, by its ticks, oldest first, and when each need is met at the present rate: numbers go on growing as in the last
 * twelve ticks, and the width of the interval shrinks with the root of the episodes. A forecast and no promise: the judge alone decides. No tick: no needs.
 */
export function stageNeeds(ticks: readonly StageTick[], goal: StageGoal): readonly StageNeed[] {
  const last = ticks.at(-1);
  if (last === undefined) return [];
  const recent = ticks.slice(-rateTicks);
  const episodeRate = rateOf(recent, ({ episodes }) => episodes);
  const counts: readonly StageNeed[] = [
    needOf('episodes', last.episodes, goal.minimumEpisodes, { rate: episodeRate, fromMs: last.atMs }),
    needOf('hours', last.hoursInStage, goal.minimumHours, {
      rate: rateOf(recent, ({ hoursInStage }) => hoursInStage),
      fromMs: last.atMs,
    }),
    ...(goal.minimumTotalHours > 0
      ? [
          needOf('totalHours', last.hoursTotal, goal.minimumTotalHours, {
            rate: rateOf(recent, ({ hoursTotal }) => hoursTotal),
            fromMs: last.atMs,
          }),
        ]
      : []),
  ];
  return goal.marginFraction === null ? counts : [...counts, boundNeed(last, goal.marginFraction, episodeRate)];
}

/** When all needs are met at the present rate; null: one of them is not, at that rate, or there are none. Met ones count as met at `nowMs`. */
export function readyAtMs(needs: readonly StageNeed[], nowMs: number): number | null {
  if (needs.length === 0) return null;
  const times = needs.map(({ isMet, metAtMs }) => (isMet ? nowMs : metAtMs));
  return times.some((at) => at === null) ? null : Math.max(nowMs, ...times.map((at) => at ?? nowMs));
}

/** Growth in a real hour from the first to the last of these ticks; null: nobody can say, or none. */
function rateOf(ticks: readonly StageTick[], valueOf: (tick: StageTick) => number): number | null {
  const [first, last] = [ticks[0], ticks.at(-1)];
  if (first === undefined || last === undefined || !(last.atMs > first.atMs)) return null;
  const grown = valueOf(last) - valueOf(first);
  return grown > 0 ? (grown * hourMs) / (last.atMs - first.atMs) : null;
}

function needOf(
  kind: StageNeed['kind'],
  value: number,
  needed: number,
  { rate, fromMs }: { readonly rate: number | null; readonly fromMs: number },
): StageNeed {
  const isMet = value >= needed;
  const metAtMs = isMet || rate === null ? null : Math.round(fromMs + ((needed - value) / rate) * hourMs);
  return { kind, value, needed, isMet, perHour: rate, metAtMs };
}

function boundNeed(
  { delta, lowerBound, episodes, atMs }: StageTick,
  marginFraction: number,
  episodeRate: number | null,
): StageNeed {
  const need = { kind: 'bound' as const, value: lowerBound, needed: -marginFraction, perHour: null };
  if (lowerBound > -marginFraction) return { ...need, isMet: true, metAtMs: null };
  const [width, room] = [delta - lowerBound, delta + marginFraction];
  // An effect that is itself below the limit is not proven above it by more of the same.
  const isKnown = episodeRate !== null && episodes > 0 && lowerBound > -1 && room > 0;
  if (!isKnown) return { ...need, isMet: false, metAtMs: null };
  const missing = episodes * ((width / room) ** 2 - 1);
  return { ...need, isMet: false, metAtMs: Math.round(atMs + (missing / episodeRate) * hourMs) };
}
