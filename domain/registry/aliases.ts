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

/**
 * The champions of the policy after all `records`. With `ordered`, the fleet is ordered that version as champion and its record comes later:
 * as if it were there.
 */
export function championLine(records: readonly AliasRecord[], ordered?: string): ChampionLine {
  const moves = records.toSorted((a, b) => a.seq - b.seq).map(({ set }) => set);
  if (ordered !== undefined) moves.push({ champion: ordered });
  let standing: readonly string[] = [];
  let baseline: string | undefined;
  const withdrawn = new Set<string>();
  for (const { champion, baseline: nextBaseline } of moves) {
    const replaced = standing.at(-1);
    if (champion !== undefined && champion !== replaced) {
      const isFallBack = champion === baseline || standing.includes(champion);
      if (isFallBack && replaced !== undefined) withdrawn.add(replaced);
      withdrawn.delete(champion);
      standing = [...standing.filter((version) => version !== champion && !withdrawn.has(version)), champion];
    }
    baseline = nextBaseline ?? baseline;
  }
  return { standing, withdrawn: [...withdrawn] };
}
