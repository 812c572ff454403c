import { createHash } from 'node:crypto';

import { bodyMap } from '../../datasets/bodies/body-map.ts';
import { landingPlace } from '../../datasets/validation/segment-facts.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import {
  batchKeyOf,
  manifestKeyOf,
  manifestSchema,
  type CollectionManifest,
  type PlannedSegment,
} from './documents.ts';
import { probeSegment } from './probe-segment.ts';
import { WaitingCount, readLanding, type RobotStandings } from './waiting.ts';
import { troubleNoted, type Attempted } from './trouble.ts';
import { failure } from '../../store/failures.ts';
import { inParallel } from '../../store/in-parallel.ts';
import { jsonBytes, readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readRobotTypeVersions } from '../../store/records/robot-types.ts';
import { readPolicyDocuments } from '../registry/policy-document.ts';
import { inSteps } from './in-steps.ts';
import type { Progress } from '../ports/progress.ts';

export interface PlanCollectionInput {
  readonly cycleId: string;
  readonly robotType: Pick<RobotType, 'id' | 'version'>;
  /** Bytes of segments a batch may hold, beside the limits below. */
  readonly batchSizeBytes?: number;
}

export interface PlanCollectionResult {
  readonly manifestKey: string;
  readonly batches: number;
  readonly segments: number;
  readonly sizeBytes: number;
  readonly segmentsOfOtherTypes: number;
}

export interface PlanCollectionPorts extends Attempted {
  readonly progress: Progress;
  /** Undefined: whatever lies in landing is taken in, whoever brought it. */
  readonly robotStandings?: RobotStandings;
}

/** What one batch may hold, so that its memory is the same however large the week is. */
export const defaultBatchSizeBytes = 128 * 1024 * 1024;
export const maxBatchFrames = 1_000_000;
export const maxBatchSegments = 4_000;

const probesAtOnce = 16;
const probesPerStep = 256;

/**
 * Lists what lies in landing for a robot type and cuts it into batches, in the order of the keys. Idempotent by cycleId:
 * the first attempt to end writes the manifest, every other one reads it. Segments of other robot types stay for their
 * own policy, other versions of this one that are read as it and that no other policy is trained for come along, a batch holding one
 * version only; those of robots that are not registered, quarantined or revoked until that changes; what cannot be read belongs to
 * whoever comes first.
 */
export const planCollection =
  (ports: PlanCollectionPorts) =>
  (input: PlanCollectionInput): Promise<PlanCollectionResult> =>
    troubleNoted(ports, { ...input, step: 'planning' }, () => planOnce(ports, input));

async function planOnce(ports: PlanCollectionPorts, input: PlanCollectionInput): Promise<PlanCollectionResult> {
  const { store } = ports;
  const manifestKey = manifestKeyOf(input.cycleId);
  let manifest = await readJson(store, manifestKey, manifestSchema);
  if (manifest === undefined) {
    await store.putIfAbsent(manifestKey, jsonBytes(await plan(ports, input)));
    manifest = await readJson(store, manifestKey, manifestSchema);
  }
  if (manifest === undefined)
    throw failure('NotFound', 'expected the manifest that was just written', { coordinates: { manifestKey } });
  const { batches, segments, sizeBytes, segmentsOfOtherTypes } = manifest;
  return { manifestKey, batches: batches.length, segments, sizeBytes, segmentsOfOtherTypes };
}

async function plan(
  { store, progress, robotStandings }: PlanCollectionPorts,
  { cycleId, robotType, batchSizeBytes = defaultBatchSizeBytes }: PlanCollectionInput,
): Promise<CollectionManifest> {
  const wanted = robotTypeName(robotType);
  const batches: CollectionManifest['batches'] = [];
  const waiting = new WaitingCount();
  const robots = new Set<string>();
  const others = await otherBodies(store, robotType);
  const landing = await readLanding(store, wanted, robotStandings, others);
  const opened = new OpenBatches(store, { cycleId, wanted, batchSizeBytes }, batches);
  for await (const entries of inSteps(store.list('landing/'), probesPerStep)) {
    const probed = await inParallel(entries, probesAtOnce, (entry) => probeSegment(store, entry));
    for (const [index, entry] of entries.entries()) {
      const facts = probed[index];
      if (facts === undefined) continue;
      const reason = landing.reasonToWait(entry.key, facts);
      if (reason !== undefined) {
        waiting.add(reason.reason, reason.name);
        continue;
      }
      // A claim that no robot makes is refused before its data is read, so it does not fill a batch.
      const frames = Math.min(facts.rows, maxBatchFrames);
      const claimed = facts.footer.robotType;
      const body = claimed !== undefined && others.has(claimed) ? claimed : wanted;
      robots.add(landingPlace(entry.key)?.robotId ?? '');
      const receivedMs = Math.floor(entry.modifiedMs);
      const registeredMs = landing.registeredMs(entry.key, receivedMs);
      const segment = {
        key: entry.key,
        receivedMs,
        facts,
        ...(registeredMs === undefined ? {} : { registeredMs }),
      };
      await opened.add(body, segment, entry.sizeBytes, frames);
    }
    progress({ stage: 'planning', batches: batches.length, segments: sum(batches, 'segments') + opened.segments() });
  }
  await opened.closeAll();
  const listed = waiting.list();
  return {
    cycleId,
    robotType: wanted,
    segments: sum(batches, 'segments'),
    sizeBytes: sum(batches, 'sizeBytes'),
    frames: sum(batches, 'frames'),
    robots: robots.size,
    segmentsOfOtherTypes: listed.reduce(
      (sum, { reason, segments }) => sum + (reason === 'otherType' ? segments : 0),
      0,
    ),
    waiting: listed,
    batches,
  };
}

interface OpenBatch {
  readonly robotType: string;
  readonly segments: PlannedSegment[];
  sizeBytes: number;
  frames: number;
}

const emptyBatch = (robotType: string): OpenBatch => ({ robotType, segments: [], sizeBytes: 0, frames: 0 });

interface BatchLimits {
  readonly cycleId: string;
  /** Robot type of the collection. */
  readonly wanted: string;
  readonly batchSizeBytes: number;
}

/** One open batch a body; a full one is written and listed. */
class OpenBatches {
  readonly #store: ObjectStore;
  readonly #limits: BatchLimits;
  readonly #listed: CollectionManifest['batches'];
  readonly #opened = new Map<string, OpenBatch>();

  constructor(store: ObjectStore, limits: BatchLimits, listed: CollectionManifest['batches']) {
    this.#store = store;
    this.#limits = limits;
    this.#listed = listed;
  }

  segments(): number {
    return [...this.#opened.values()].reduce((total, { segments }) => total + segments.length, 0);
  }

  async add(body: string, segment: PlannedSegment, sizeBytes: number, frames: number): Promise<void> {
    let open = this.#opened.get(body) ?? emptyBatch(body);
    const isFull =
      open.sizeBytes + sizeBytes > this.#limits.batchSizeBytes ||
      open.frames + frames > maxBatchFrames ||
      open.segments.length === maxBatchSegments;
    if (isFull && open.segments.length > 0) {
      await this.#close(open);
      open = emptyBatch(body);
    }
    this.#opened.set(body, open);
    open.segments.push(segment);
    open.sizeBytes += sizeBytes;
    open.frames += frames;
  }

  async closeAll(): Promise<void> {
    for (const open of this.#opened.values()) await this.#close(open);
  }

  async #close(open: OpenBatch): Promise<void> {
    this.#opened.delete(open.robotType);
    const { segments, sizeBytes, frames, robotType } = open;
    const bytes = new TextEncoder().encode(JSON.stringify({ segments }));
    const key = batchKeyOf(this.#limits.cycleId, createHash('sha256').update(bytes).digest('hex'));
    await this.#store.put(key, bytes);
    const isOwn = robotType === this.#limits.wanted;
    this.#listed.push({ key, segments: segments.length, sizeBytes, frames, ...(isOwn ? {} : { robotType }) });
  }
}

/** Versions that are read as this one and belong to no policy of their own. */
async function otherBodies(
  store: ObjectStore,
  { id, version }: Pick<RobotType, 'id' | 'version'>,
): Promise<ReadonlySet<string>> {
  const chain = await readRobotTypeVersions(store, id);
  const to = chain.find((type) => type.version === version);
  if (to === undefined || chain.length === 1) return new Set();
  const policies = await readPolicyDocuments(store, () => undefined);
  const taken = new Set(policies.map(({ robotType }) => robotTypeName(robotType)));
  const others = chain.filter((from) => from !== to && bodyMap({ from, to, chain }).kind === 'map');
  return new Set(others.map(robotTypeName).filter((name) => !taken.has(name)));
}

const sum = (batches: CollectionManifest['batches'], name: 'segments' | 'sizeBytes' | 'frames'): number =>
  batches.reduce((total, batch) => total + batch[name], 0);
