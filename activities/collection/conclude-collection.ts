import { judgeCollection, maxRefusedFraction } from '../../datasets/collection-verdict.ts';
import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { allRules } from '../../datasets/validation/rules.ts';
import { addCounts, noCounts } from './count-decision.ts';
import {
  decisionKeyOf,
  decisionSchema,
  manifestSchema,
  summaryKeyOf,
  type CollectionManifest,
  type RobotCounts,
  type RuleCounts,
} from './documents.ts';
import { forgetJudged, judgeClips } from './judge-clips.ts';
import { troubleNoted, type Attempted } from './trouble.ts';
import type { ClipPorts } from '../ports/clip-decoder.ts';
import { collectionSummarySchema, mostListedLosses, type CollectionSummary } from './summary.ts';
import { readRobotLosses } from '../monitor/monitor-state.ts';
import { readPolicyDocuments } from '../registry/policy-document.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { jsonBytes, readJson, requireJson } from '../../store/json-objects.ts';
import type { Lake } from '../lake/lake.ts';
import type { Progress } from '../ports/progress.ts';
import { dictionary } from '../../domain/dictionary.ts';

export interface ConcludeCollectionInput {
  readonly cycleId: string;
  readonly manifestKey: string;
  readonly robotType: Pick<RobotType, 'id' | 'version'>;
  /** The dataset before this collection. */
  readonly startedFrom: DatasetVersion;
}

export interface ConcludeCollectionResult {
  readonly verdict: CollectionSummary['verdict'];
  readonly reason: string;
  readonly datasetVersion: DatasetVersion;
  readonly episodesStored: number;
  readonly framesStored: number;
  readonly failuresStored: number;
  readonly alreadyStored: number;
  readonly quarantinedEpisodes: number;
  readonly quarantinedSegments: number;
  /** At most twenty; the summary has all. */
  readonly robotsLeftOut: readonly string[];
  readonly summaryKey: string;
}

export interface ConcludePorts extends Attempted {
  readonly lake: Lake;
  readonly progress: Progress;
  /** Decodes clips of cameras; without it clips that have come are not judged. */
  readonly clips?: ClipPorts;
}

const maxListedRobots = 20;

/**
 * Judges the clips of cameras that have come, adds up what the batches of a collection decided and says whether it may be learned from. Idempotent by cycleId: the
 * first summary stays, with the dataset version it pinned.
 */
export const concludeCollection =
  (ports: ConcludePorts) =>
  (input: ConcludeCollectionInput): Promise<ConcludeCollectionResult> =>
    troubleNoted(ports, { ...input, step: 'concluding' }, () => conclude(ports, input));

async function conclude(ports: ConcludePorts, input: ConcludeCollectionInput): Promise<ConcludeCollectionResult> {
  const { store } = ports;
  const key = summaryKeyOf(input.cycleId);
  let summary = await readJson(store, key, collectionSummarySchema);
  if (summary === undefined) {
    await store.putIfAbsent(key, jsonBytes(await summarise(ports, input)));
    summary = await requireJson(store, key, collectionSummarySchema, 'it was written a moment ago');
  }
  if (summary.clips !== null) await forgetJudged(ports);
  return {
    verdict: summary.verdict,
    reason: summary.reason,
    datasetVersion: summary.datasetVersion,
    episodesStored: summary.episodesStored,
    framesStored: summary.framesStored,
    failuresStored: summary.failuresStored,
    alreadyStored: summary.episodesAlreadyStored,
    quarantinedEpisodes: summary.episodesRefused,
    quarantinedSegments: summary.segmentsRefused,
    robotsLeftOut: summary.robotsLeftOut.slice(0, maxListedRobots),
    summaryKey: key,
  };
}

async function summarise(ports: ConcludePorts, input: ConcludeCollectionInput): Promise<CollectionSummary> {
  const manifest = await requireJson(ports.store, input.manifestKey, manifestSchema, 'plan the collection first');
  const { robots, rules, segmentsGone } = await addedUp(ports, input.cycleId, manifest);
  const total = Object.values(robots).reduce(addCounts, noCounts);
  const ruleCounts = (id: string): RuleCounts => rules.get(id) ?? { segments: 0, episodes: 0 };
  const { robotsLeftOut, reason, ...verdict } = judgeCollection(robots);
  return {
    cycleId: input.cycleId,
    robotType: robotTypeName(input.robotType),
    ...verdict,
    reason: verdict.verdict === 'badData' ? `${reason}${commonestRule(rules)}` : reason,
    maxRefusedFraction,
    startedFrom: { ...input.startedFrom },
    datasetVersion: await ports.lake.currentVersion(),
    segments: manifest.segments,
    sizeBytes: manifest.sizeBytes,
    segmentsOfOtherTypes: manifest.segmentsOfOtherTypes,
    waiting: manifest.waiting,
    segmentsGone,
    segmentsRefused: total.segmentsRefused,
    episodesStored: total.episodesStored,
    framesStored: total.framesStored,
    failuresStored: total.failuresStored,
    episodesAlreadyStored: total.episodesAlreadyStored,
    episodesRefused: total.episodesRefused,
    rules: allRules.map((rule) => ({ ...rule, ...ruleCounts(rule.id) })),
    robots: Object.entries(robots)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([robotId, counts]) => ({ robotId, ...counts })),
    robotsLeftOut: [...robotsLeftOut],
    losses: await lossesOf(ports.store, input.robotType.id),
    clips: await judgeClips(ports, input),
  };
}

/** Where to look first: the rule that refused most. */
function commonestRule(rules: ReadonlyMap<string, RuleCounts>): string {
  const refused = [...rules].map(([id, { segments, episodes }]) => ({ id, count: segments + episodes }));
  const [most] = refused.toSorted((a, b) => b.count - a.count || (a.id < b.id ? -1 : 1));
  return most === undefined || most.count === 0 ? '' : `, most by ${most.id} (flywheel data quarantine lists them)`;
}

/** What monitors heard that robots of this type lost; null where none watches. A damaged document of a policy leaves that policy out. */
async function lossesOf(store: ObjectStore, robotTypeId: string): Promise<CollectionSummary['losses']> {
  const policies = await readPolicyDocuments(store, () => undefined);
  const watched: NonNullable<CollectionSummary['losses']>[] = [];
  for (const { policy, robotType } of policies) {
    const losses = robotType.id === robotTypeId ? await readRobotLosses(store, policy) : undefined;
    if (losses !== undefined) watched.push(losses.map((loss) => ({ policy, ...loss })));
  }
  if (watched.length === 0) return null;
  return watched
    .flat()
    .toSorted((a, b) => b.count - a.count || (a.robotId < b.robotId ? -1 : 1))
    .slice(0, mostListedLosses);
}

/** One batch's decision at a time. */
async function addedUp(
  { store, progress }: ConcludePorts,
  cycleId: string,
  manifest: CollectionManifest,
): Promise<{
  robots: Readonly<Record<string, RobotCounts>>;
  rules: ReadonlyMap<string, RuleCounts>;
  segmentsGone: number;
}> {
  const robots = dictionary<RobotCounts>();
  const rules = new Map<string, RuleCounts>();
  let segmentsGone = 0;
  for (const batch of manifest.batches.keys()) {
    const key = decisionKeyOf(cycleId, batch);
    const decision = await requireJson(store, key, decisionSchema, 'take in every batch before concluding');
    segmentsGone += decision.gone.length;
    for (const [robotId, counts] of Object.entries(decision.robots)) {
      robots[robotId] = addCounts(robots[robotId] ?? noCounts, counts);
    }
    for (const [id, { segments, episodes }] of Object.entries(decision.rules)) {
      const sum = rules.get(id) ?? { segments: 0, episodes: 0 };
      rules.set(id, { segments: sum.segments + segments, episodes: sum.episodes + episodes });
    }
    progress({ stage: 'adding up', batch });
  }
  return { robots, rules, segmentsGone };
}
