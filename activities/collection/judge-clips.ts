import { stat } from 'node:fs/promises';

import { z } from 'zod';

import { camerasOf, clipKey, type Camera } from '../../datasets/camera.ts';
import { ClipError, maxClipBytes } from '../../datasets/media/clip-format.ts';
import type { ClipAppearance } from '../../datasets/media/clip-appearance.ts';
import { clipRules, episodeClipRules, type ClipFacts } from '../../datasets/media/clip-rules.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { violationsOf } from '../../datasets/validation/rule.ts';
import { isFailure } from '../../store/failures.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import {
  awaitedClipsPrefix,
  readAwaitedClip,
  readClipVerdict,
  writeClipVerdict,
  type AwaitedClip,
  type ClipVerdict,
} from '../../store/records/clip-verdicts.ts';
import { ownsClip } from '../../store/records/clip-uses.ts';
import { readRobotTypeVersions } from '../../store/records/robot-types.ts';
import type { ClipPorts } from '../ports/clip-decoder.ts';
import type { Progress } from '../ports/progress.ts';
import { sha256Of } from '../training/training-run.ts';
import { countUnclaimedClips } from './unclaimed-clips.ts';
import { inSteps } from './in-steps.ts';

const count = z.int().min(0);

/** What a collection did with clips of cameras. */
export const clipCountsSchema = z.strictObject({
  accepted: count,
  refused: count,
  /** Named by episodes in the lake, and not come. */
  awaited: count,
  /** Come, and not judged: this machine has no decoder for them. */
  notJudged: count,
  /** Come, of any robot, and named by no episode in the lake. */
  withoutEpisode: count,
  /** Every rule with the clips that broke it. */
  rules: z.array(z.strictObject({ id: z.string(), doc: z.string(), clips: count })),
});
export type ClipCounts = z.infer<typeof clipCountsSchema>;

export interface JudgeClipsPorts {
  readonly store: ObjectStore;
  readonly progress: Progress;
  readonly clips?: ClipPorts;
}

interface Collection {
  readonly cycleId: string;
  readonly robotType: Pick<RobotType, 'id' | 'version'>;
}

type Judged = ClipVerdict | 'awaited' | 'notJudged' | 'otherCollection';

const listedAtOnce = 256;
const quarantinedClipKey = (cycleId: string, sha256: string): string => `quarantine/${cycleId}/${sha256}.mp4`;

/**
 * Judges the clips of a robot type that are awaited and have come; null where no version of it has a camera. Idempotent by collection: a clip is judged once,
 * its verdict says by which collection, and what is awaited stays listed until `forgetJudged`, so that a retry counts the same. A clip that has
 * not come keeps nothing waiting. A refused one is moved to quarantine alone: its episode stays, without that camera.
 */
export async function judgeClips(ports: JudgeClipsPorts, collection: Collection): Promise<ClipCounts | null> {
  const versions = await readRobotTypeVersions(ports.store, collection.robotType.id);
  if (versions.every((type) => camerasOf(type).length === 0)) return null;
  const types = new Map(versions.map((type) => [robotTypeName(type), type]));
  const counts = { accepted: 0, refused: 0, awaited: 0, notJudged: 0 };
  const rules = new Map(clipRules.map(({ id, doc }) => [id, { id, doc, clips: 0 }]));
  for await (const entries of inSteps(ports.store.list(awaitedClipsPrefix), listedAtOnce))
    await inParallel(entries, ports.clips?.atOnce ?? 1, async ({ key }) => {
      const judged = await judgeOne(ports, collection, types, key);
      if (judged === 'otherCollection') return;
      if (typeof judged === 'string') {
        counts[judged] += 1;
        return;
      }
      counts[judged.verdict] += 1;
      for (const { rule } of judged.violations) {
        const listed = rules.get(rule);
        if (listed !== undefined) rules.set(rule, { ...listed, clips: listed.clips + 1 });
      }
    });
  return { ...counts, withoutEpisode: await countUnclaimedClips(ports.store), rules: [...rules.values()] };
}

/** Takes from what is awaited what has a verdict, and the bytes of what was refused for its content. After the collection's summary is written. */
export async function forgetJudged({ store }: JudgeClipsPorts): Promise<void> {
  for await (const { key } of store.list(awaitedClipsPrefix)) {
    const awaited = await soundAwaited(store, key);
    const verdict = awaited && (await readClipVerdict(store, awaited));
    if (verdict === undefined) continue;
    if (isRefusedForContent(verdict)) await store.delete(clipKey(verdict.sha256));
    await store.delete(key);
  }
}

async function judgeOne(
  ports: JudgeClipsPorts,
  { cycleId }: Collection,
  types: ReadonlyMap<string, RobotType>,
  key: string,
): Promise<Judged> {
  const { store } = ports;
  const awaited = await soundAwaited(store, key);
  const type = awaited && types.get(awaited.robotType);
  const camera = type && camerasOf(type).find(({ name }) => name === awaited?.camera);
  if (awaited === undefined || camera === undefined) return 'otherCollection';
  const known = await readClipVerdict(store, awaited);
  if (known !== undefined) return known.cycleId === cycleId ? known : 'otherCollection';
  // Who names the clip of another robot has none.
  const path =
    (await ownsClip(store, awaited.robotId, awaited.sha256)) && (await store.localPath(clipKey(awaited.sha256)));
  if (path === false || path === undefined) return 'awaited';
  const facts = await factsOf(ports, awaited, camera, path);
  if (facts === 'notJudged') return facts;
  const { appearance } = facts;
  const violations = violationsOf(clipRules, facts, type as RobotType).map(({ rule, value, expected }) => ({
    rule,
    value,
    expected,
  }));
  if (violations.length > 0) await store.put(quarantinedClipKey(cycleId, awaited.sha256), { filePath: path });
  const { robotId, sha256, episodeId, robotType, startedUs } = awaited;
  const verdict: ClipVerdict = {
    robotId,
    sha256,
    episodeId,
    camera: camera.name,
    robotType,
    startedUs,
    verdict: violations.length === 0 ? 'accepted' : 'refused',
    violations,
    images: facts.seen !== undefined && 'atUs' in facts.seen ? facts.seen.atUs.length : null,
    sizeBytes: facts.sizeBytes,
    ...(appearance === undefined ? {} : { appearance }),
    cycleId,
  };
  await writeClipVerdict(store, verdict);
  ports.progress({ stage: 'judging clips', clip: sha256, verdict: verdict.verdict });
  return (await readClipVerdict(store, awaited)) ?? verdict;
}

/** What is measured before judging; size and content first, so that nothing else is decoded. */
async function factsOf(
  { clips, progress }: JudgeClipsPorts,
  awaited: AwaitedClip,
  camera: Camera,
  path: string,
): Promise<(ClipFacts & { readonly appearance?: ClipAppearance }) | 'notJudged'> {
  const { size: sizeBytes } = await stat(path);
  const gotSha256 = sizeBytes > maxClipBytes ? awaited.sha256 : await sha256Of({ filePath: path });
  const { sha256, startedUs, episodeStartedUs, durationMs } = awaited;
  const facts = { camera, sha256, gotSha256, sizeBytes, startedUs, episodeStartedUs, durationMs };
  if (sizeBytes < 1 || sizeBytes > maxClipBytes || gotSha256 !== sha256) return { ...facts, seen: undefined };
  if (clips === undefined) return 'notJudged';
  try {
    const { appearance, ...seen } = await clips.decoder.look(path, progress);
    return { ...facts, seen, appearance };
  } catch (error) {
    if (error instanceof ClipError) return { ...facts, seen: { fault: error.fault, message: error.message } };
    if (isFailure(error, 'DecoderMissing')) return 'notJudged';
    throw error;
  }
}

/** A damaged note hides no other: it stays, and is nobody's. */
async function soundAwaited(store: ObjectStore, key: string): Promise<AwaitedClip | undefined> {
  try {
    return await readAwaitedClip(store, key);
  } catch (error) {
    if (isFailure(error, 'CorruptData')) return undefined;
    throw error;
  }
}

function isRefusedForContent({ verdict, violations }: ClipVerdict): boolean {
  return verdict === 'refused' && violations.some(({ rule }) => !episodeClipRules.has(rule));
}
