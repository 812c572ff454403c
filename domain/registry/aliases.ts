/** champion: what the fleet runs · previous: the champion before · baseline: the safe fallback · anchor: the best champion so far. */
export const aliasNames = ['champion', 'previous', 'baseline', 'anchor'] as const;
export type AliasName = (typeof aliasNames)[number];
export type Aliases = Readonly<Partial<Record<AliasName, string>>>;

/** One append-only entry: which aliases moved to which policy version, at once, and who did it when and why. */
export interface AliasRecord {
  readonly seq: number;
  /** Names the operation that moved them; a second record of the same operation is never written. */
  readonly operationId: string;
  readonly set: Aliases;
  readonly atMs: number;
  readonly who: string;
  readonly why: string;
}

/** The aliases after all `records` up to and including the moment `atMs` (default: all), whatever order they come in. */
export function aliasesAt(records: readonly AliasRecord[], atMs = Number.POSITIVE_INFINITY): Aliases {
  return records
    .filter((record) => record.atMs <= atMs)
    .toSorted((a, b) => a.seq - b.seq)
    .reduce<Aliases>((aliases, record) => ({ ...aliases, ...record.set }), {});
}

/** What a promotion sets: the candidate becomes champion, the champion becomes previous. The anchor moves only to a better one. */
export function promotionMoves(aliases: Aliases, candidate: string, candidateIsBest: boolean): Aliases {
  return {
    champion: candidate,
    ...(aliases.champion === undefined || aliases.champion === candidate ? {} : { previous: aliases.champion }),
    ...(candidateIsBest || aliases.anchor === undefined ? { anchor: candidate } : {}),
  };
}

/**
 * What putting an earlier champion back sets: champion, previous and anchor as they were when it was champion last. Undefined
 * when it never was.
 */
export function demotionMoves(records: readonly AliasRecord[], version: string): Aliases | undefined {
  const inOrder = records.toSorted((a, b) => a.seq - b.seq);
  const last = inOrder.findLastIndex((_, index) => aliasesAt(inOrder.slice(0, index + 1)).champion === version);
  if (last < 0) return undefined;
  const { champion, previous, anchor } = aliasesAt(inOrder.slice(0, last + 1));
  return {
    ...(champion === undefined ? {} : { champion }),
    ...(previous === undefined ? {} : { previous }),
    ...(anchor === undefined ? {} : { anchor }),
  };
}

/** Champions as they were, one after the other. */
export interface ChampionLine {
  /** Oldest first, each once, the champion last: without those that were taken back. */
  readonly standing: readonly string[];
  /** Champions that an older champion or the baseline replaced, and that did not become champion again. */
  readonly withdrawn: readonly string[];
}

/** A champion that the fleet is ordered already, by that operation, and that no record of the aliases says yet. */
export interface OrderedAhead {
  readonly version: string;
  readonly operationId: string;
}

/**
 * The champions of the policy after all `records`. With `ordered`, the fleet is ordered that version as champion and its record comes later:
 * as if it were there.
 */
export function championLine(records: readonly AliasRecord[], ordered?: OrderedAhead): ChampionLine {
  let line: ChampionLine = { standing: [], withdrawn: [] };
  for (const { standing, withdrawn } of championSteps(records, ordered)) line = { standing, withdrawn: [...withdrawn] };
  return line;
}

/** The line after one more record, and what that record was. */
export interface ChampionStep {
  readonly atMs: number;
  readonly operationId: string;
  /** It made an older champion or the baseline champion. */
  readonly isFallBack: boolean;
  readonly standing: readonly string[];
  readonly withdrawn: ReadonlySet<string>;
  readonly baseline: string | undefined;
}

export function* championSteps(records: readonly AliasRecord[], ordered?: OrderedAhead): Generator<ChampionStep> {
  const moves: Pick<AliasRecord, 'set' | 'atMs' | 'operationId'>[] = records.toSorted((a, b) => a.seq - b.seq);
  if (ordered !== undefined)
    moves.push({ set: { champion: ordered.version }, atMs: Infinity, operationId: ordered.operationId });
  let standing: readonly string[] = [];
  let baseline: string | undefined;
  const withdrawn = new Set<string>();
  for (const { set, atMs, operationId } of moves) {
    const { champion, baseline: nextBaseline } = set;
    const replaced = standing.at(-1);
    const isMoved = champion !== undefined && champion !== replaced;
    const isFallBack = isMoved && (champion === baseline || standing.includes(champion));
    if (isMoved) {
      if (isFallBack && replaced !== undefined) withdrawn.add(replaced);
      withdrawn.delete(champion);
      standing = [...standing.filter((version) => version !== champion && !withdrawn.has(version)), champion];
    }
    baseline = nextBaseline ?? baseline;
    yield { atMs, operationId, isFallBack, standing, withdrawn, baseline };
  }
}

/** What a robot in quarantine was ordered, and when that was written down. */
export interface KeptOn {
  readonly version: string;
  /** The trial whose candidate it is; null for a champion or the baseline. */
  readonly trialId: string | null;
  readonly atMs: number;
}

/**
 * The version that a robot in quarantine is kept on after all `records`, while no order of its own trial says otherwise. Promotions leave it where
 * it is. A version that is taken back it leaves with the fleet, for the champion that replaced it, and stays there. A candidate it keeps only if that very
 * trial promoted it; else what was champion at that time. Undefined where none of that is a champion that stands, or the baseline. `ordered`: see
 * {@link championLine}.
 */
export function keptVersion(records: readonly AliasRecord[], kept: KeptOn, ordered?: OrderedAhead): string | undefined {
  const { version, trialId } = kept;
  let on = trialId === null ? version : undefined;
  let last: ChampionStep | undefined;
  for (const step of championSteps(records, ordered)) {
    const { atMs, operationId, standing, withdrawn } = step;
    const champion = standing.at(-1);
    const isMoved = champion !== last?.standing.at(-1);
    last = step;
    if (atMs <= kept.atMs) {
      if (trialId !== null) on = champion;
      continue;
    }
    const isItsTrial = trialId !== null && operationId.startsWith(`${trialId}#`);
    if (isItsTrial && isMoved && champion === version) on = version;
    else if (on === undefined || withdrawn.has(on)) on = champion;
  }
  const stands = on !== undefined && (last?.standing.includes(on) === true || on === last?.baseline);
  return stands ? on : undefined;
}
