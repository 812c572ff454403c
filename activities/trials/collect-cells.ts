import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import {
  addDoubt,
  addReport,
  fleetClock,
  otherTask,
  unpackCells,
  type Cells,
  type Report,
  type RobotLife,
  type TrialPlan,
} from '../../domain/trial/index.ts';
import { TelemetryCursor, type TelemetryBatch, type TelemetryLog } from '../../fleet/desk/index.ts';
import { fleetKeys } from '../../fleet/desk/keys.ts';
import type { TelemetryEntry } from '../../fleet/protocol/index.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { blocksPerPart, type CellManifest, type CellStore } from './cell-store.ts';
import { countedAtMs, countedEpisode, isUndatedEpisode, overlapOf, reportedAtMs } from './telemetry-reports.ts';
import { planReferenceSchema, type PlanReader } from './stored-plan.ts';

const inputSchema = z.strictObject({
  plan: planReferenceSchema,
  /** The last generation the caller knows; -1 before the first. */
  generation: z.int().min(-1),
  /** Start of block 0, fleet time. */
  originMs: z.number(),
  /** Real time. */
  nowMs: z.int(),
});
export type CollectCellsInput = z.input<typeof inputSchema>;

export interface CollectCellsResult {
  readonly generation: number;
  readonly entries: number;
  /** There was too much for one call, or an earlier attempt made this generation and more came since: call again. */
  readonly isBehind: boolean;
}

const hourMs = 3_600_000;
/** Damaged objects that are named. */
const mostDamaged = 100;

/**
 * Takes telemetry that came since the last generation into the cells of a trial: once each, to the version that ran it, outcomes
 * into the block in which their episode began, however late they come. Idempotent by (trial, generation): asked again, it gives the generation that was made.
 */
export const collectCells =
  (ports: { store: ObjectStore; telemetry: TelemetryLog; cells: CellStore; readPlan: PlanReader }) =>
  async (given: CollectCellsInput): Promise<CollectCellsResult> => {
    const input = parseActivityInput('collectCells', inputSchema, given);
    const plan = await ports.readPlan(input.plan);
    const { trialId } = plan;
    const next = input.generation + 1;
    const made = await ports.cells.findManifest(trialId, next);
    if (made !== undefined) return { generation: next, entries: made.entries, isBehind: true };
    const before = input.generation < 0 ? undefined : await ports.cells.manifest(trialId, input.generation);
    const known = before ?? emptyManifest(plan);
    const cursor = cursorOf(plan.policy, known);
    const { keys, isBehind } = await cursor.next(ports.telemetry, plan.policy, input.nowMs);
    if (keys.length === 0 && before !== undefined)
      return { generation: input.generation, entries: known.entries, isBehind: false };

    const changed = new Map<number, Cells>();
    const taking = takingOf(ports.cells, plan, input, known, { changed, cursor });
    const damaged = new Set(known.damaged);
    for (const key of keys)
      for (const batch of await ports.telemetry.read(key, (object) => damaged.add(object.key)))
        await takeBatch(taking, batch);
    const after = {
      ...taking.manifest,
      ...keptOf(cursor.lives),
      damaged: [...damaged].slice(-mostDamaged),
    };
    const replaced: string[] = [];
    for (const [number, cells] of changed) {
      const old = known.parts[number];
      if (old !== undefined) replaced.push(old);
      after.parts[number] = await ports.cells.putPart(trialId, cells);
    }
    cursor.advance(keys, input.nowMs, isBehind);
    const position = positionOf(plan.policy, cursor);
    const committed = await ports.cells.commit(trialId, next, { ...after, ...position, replaced }, before);
    const entries = committed ? after.entries : (await ports.cells.manifest(trialId, next)).entries;
    return { generation: next, entries, isBehind };
  };

const emptyManifest = (plan: TrialPlan): CellManifest => ({
  scanFromMs: Math.floor(plan.createdAtMs / hourMs) * hourMs,
  consumed: [],
  lives: dictionary(),
  spans: dictionary(),
  doubtful: dictionary(),
  undated: 0,
  heardMs: dictionary(),
  newestBlocks: dictionary(),
  parts: dictionary(),
  replaced: [],
  entries: 0,
  damaged: [],
});

const folderOf = (policy: string): string => fleetKeys.telemetryHour(policy, '');

/** Where the generation before stood. Manifests hold the keys of objects, whole. */
function cursorOf(policy: string, { scanFromMs, consumed, lives, spans }: CellManifest): TelemetryCursor {
  const names = consumed.map((key) => key.slice(folderOf(policy).length));
  const known = Object.entries(lives).map(([name, runs]): [string, RobotLife] => [
    name,
    { runs: [...runs], heardMs: 0, ...spanOf(spans[name]) },
  ]);
  return new TelemetryCursor({ scanFromMs, consumed: names }, known);
}

function positionOf(policy: string, cursor: TelemetryCursor): Pick<CellManifest, 'scanFromMs' | 'consumed'> {
  const { scanFromMs, consumed } = cursor.position;
  return { scanFromMs, consumed: consumed.map((name) => `${folderOf(policy)}${name}`) };
}

/** What one call changes: a copy of the manifest, the lives in it, and the parts. */
interface Taking {
  readonly store: CellStore;
  readonly plan: TrialPlan;
  readonly originMs: number;
  readonly tasks: ReadonlySet<string> | undefined;
  readonly leftOut: ReadonlySet<string>;
  readonly manifest: CellManifest;
  readonly cursor: TelemetryCursor;
  readonly changed: Map<number, Cells>;
}

function takingOf(
  store: CellStore,
  plan: TrialPlan,
  { originMs }: Pick<CollectCellsInput, 'originMs'>,
  known: CellManifest,
  into: Pick<Taking, 'changed' | 'cursor'>,
): Taking {
  return {
    store,
    plan,
    originMs,
    ...into,
    tasks: plan.catalogue === undefined ? undefined : new Set(plan.catalogue),
    leftOut: new Set(plan.leftOut),
    manifest: {
      ...known,
      heardMs: copy(known.heardMs),
      newestBlocks: copy(known.newestBlocks),
      doubtful: copy(known.doubtful),
      parts: copy(known.parts),
    },
  };
}

const copy = <Value>(of: Readonly<Record<string, Value>>): Record<string, Value> => dictionary(Object.entries(of));

const spanOf = (span: readonly [number, number] | undefined): Partial<RobotLife> =>
  span === undefined ? {} : { fromMs: span[0], untilMs: span[1] };

/** What a manifest keeps of lives. */
function keptOf(lives: TelemetryCursor['lives']): Pick<CellManifest, 'lives' | 'spans'> {
  const all = [...lives.entries()];
  return {
    lives: dictionary(all.map(([name, { runs }]) => [name, runs] as const)),
    spans: dictionary(
      all.flatMap(([name, { fromMs, untilMs }]): (readonly [string, [number, number]])[] =>
        fromMs === undefined || untilMs === undefined ? [] : [[name, [fromMs, untilMs]]],
      ),
    ),
  };
}

async function takeBatch(taking: Taking, batch: TelemetryBatch): Promise<void> {
  const { plan, manifest, cursor, changed } = taking;
  const { robotId, receivedMs } = batch;
  manifest.heardMs[robotId] = Math.max(receivedMs, manifest.heardMs[robotId] ?? 0);
  const entries = cursor.take(batch);
  const clock = fleetClock(plan.times);
  const blockMs = plan.rolloutLimits.blockMinutes * 60_000;
  const blockOf = (realMs: number): number => Math.floor((clock.fleetMs(realMs) - taking.originMs) / blockMs);
  const overlap = overlapOf(cursor.lives, batch);
  if (overlap !== undefined) {
    const known = manifest.doubtful[robotId] ?? [];
    manifest.doubtful[robotId] = addDoubt(known, blockOf(overlap.fromMs), blockOf(overlap.untilMs));
  }
  for (const entry of entries) {
    manifest.entries += 1;
    const version = entry.policyVersion;
    const isOfTrial = version === plan.championVersion || version === plan.candidateVersion;
    if (isOfTrial && isUndatedEpisode(batch, entry)) manifest.undated += 1;
    const atMs = reportedAtMs(batch, entry);
    if (atMs === undefined) continue;
    const newest = blockOf(atMs);
    if (newest >= 0) manifest.newestBlocks[robotId] = Math.max(newest, manifest.newestBlocks[robotId] ?? 0);
    if (version === null || !isOfTrial) continue;
    const block = blockOf(countedAtMs(entry, atMs));
    const report = reportOf(batch, entry, taking);
    if (block < 0 || report === undefined) continue;
    const cells = await partOf(taking.store, manifest, changed, Math.floor(block / blocksPerPart));
    addReport(cells, { robotId, version, block }, report);
  }
}

/** The part as it will be: a copy of what stands, made at the first change. */
async function partOf(
  store: CellStore,
  { parts }: CellManifest,
  changed: Map<number, Cells>,
  number: number,
): Promise<Cells> {
  const known = changed.get(number);
  if (known !== undefined) return known;
  const old = parts[number];
  const cells = old === undefined ? dictionary<Cells[string]>() : unpackCells(await store.part(old));
  changed.set(number, cells);
  return cells;
}

function reportOf(batch: TelemetryBatch, entry: TelemetryEntry, { plan, tasks, leftOut }: Taking): Report | undefined {
  switch (entry.kind) {
    case 'episode': {
      const episode = countedEpisode(batch, entry);
      if (episode === undefined || leftOut.has(episode.task)) return undefined;
      const task = tasks === undefined || tasks.has(episode.task) ? episode.task : otherTask;
      return { kind: 'episode', ...episode, task };
    }
    case 'online':
      return { kind: 'online', minutes: fleetClock(plan.times).fleetHours(entry.durationMs) * 60 };
    case 'safetyEvent':
      return { kind: 'safetyEvent' };
    case 'dropped':
    case 'refusedTask':
      return undefined;
    default:
      return entry satisfies never;
  }
}
