import { z } from 'zod';

import { episodeHash, type ErasureRequest } from '../../store/records/erasures.ts';

const entrySchema = z.looseObject({
  kind: z.string().optional(),
  atMs: z.number().optional(),
  durationMs: z.number().optional(),
  episodeId: z.string().optional(),
});
const lineSchema = z.looseObject({
  robotId: z.string(),
  receivedMs: z.number(),
  clockSkewMs: z.number().default(0),
  isTimeUnknown: z.boolean().default(false),
  entries: z.array(entrySchema),
});
type Line = z.infer<typeof lineSchema>;
type Entry = z.infer<typeof entrySchema>;

/** What every erasure that stands takes of telemetry that came after it. */
export interface LateRules {
  readonly requests: readonly ErasureRequest[];
  /** Digests of the episodes of all of them, with the erasure that each is of. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Site of a robot at an instant; undefined where nobody knows. */
  readonly siteAt: (robotId: string, atMs: number) => string | undefined;
}

/** What a robot without a clock tells so soon after a request may be of before it: the same time as for segments that nobody can read. */
const undatedForMs = 30 * 86_400_000;

/**
 * A telemetry object without what robots told after a request of before it: entries of the robot, or of one that was at the site then, whose
 * moment, of an episode its start, lies before the request; and entries of episodes that were erased. What spans the request stays. Lines that
 * nothing goes from stay byte for byte, as do those that cannot be read. `entries`: how many went, by erasure. Linear in the entries.
 */
export function withoutLateLines(
  text: string,
  rules: LateRules,
): { readonly text: string; readonly entries: ReadonlyMap<string, number> } {
  const kept: string[] = [];
  const entries = new Map<string, number>();
  for (const line of text.split('\n')) {
    const batch = parsedLine(line);
    const left = batch?.entries.filter((entry) => {
      const erasureId = erasureOf(batch, entry, rules);
      if (erasureId !== undefined) entries.set(erasureId, (entries.get(erasureId) ?? 0) + 1);
      return erasureId === undefined;
    });
    if (batch === undefined || left === undefined || left.length === batch.entries.length) kept.push(line);
    else if (left.length > 0) kept.push(JSON.stringify({ ...(JSON.parse(line) as object), entries: left }));
  }
  return { text: kept.join('\n'), entries };
}

/** The first erasure that takes an entry. */
function erasureOf(batch: Line, entry: Entry, { requests, hashes, siteAt }: LateRules): string | undefined {
  const listed = entry.episodeId === undefined ? undefined : hashes.get(episodeHash(entry.episodeId));
  if (listed !== undefined) return listed;
  return requests.find(({ target, recordedBeforeMs }) => {
    const startMs = startOf(batch, entry, recordedBeforeMs);
    if (!(startMs < recordedBeforeMs)) return false;
    if (target.kind === 'robot') return target.robotId === batch.robotId;
    return target.kind === 'site' && siteAt(batch.robotId, startMs) === target.site;
  })?.erasureId;
}

/** When what an entry tells of began, by the gateway's clock; without a time: just before the request, where it may be. */
function startOf({ receivedMs, clockSkewMs, isTimeUnknown }: Line, entry: Entry, beforeMs: number): number {
  const { kind, atMs, durationMs = 0 } = entry;
  if (isTimeUnknown || atMs === undefined)
    return receivedMs < beforeMs + undatedForMs && kind !== 'safetyEvent' ? beforeMs - 1 : receivedMs;
  return Math.min(receivedMs, atMs - clockSkewMs) - (kind === 'episode' ? durationMs : 0);
}

function parsedLine(text: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
