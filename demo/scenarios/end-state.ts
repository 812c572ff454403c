import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { readLog } from '../../store/append-log.ts';
import { collectionSummarySchema, type CollectionSummary } from '../../activities/collection/summary.ts';
import { readJson } from '../../store/json-objects.ts';
import { quarantined } from '../../activities/collection/quarantine.ts';
import { requireJson } from '../../store/json-objects.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import { assignmentRecordSchema, readTelemetry, type AssignmentRecord } from '../../fleet/desk/index.ts';
import { waitUntil } from '../processes.ts';
import type { World } from '../world.ts';

/** What an installation should look like when a scenario is over. */
export interface EndState {
  /** What every robot runs, by the order it holds and by its own word. */
  readonly champion: string;
  /** Every champion there was, the first one first. */
  readonly champions: readonly string[];
  /** Tests and rollouts that exposed robots, each closed in the assignment log. Unless given, every one there is. */
  readonly closedTrials?: number;
  /** Versions with at least one episode in the lake. Unless given, any. */
  readonly drivenVersions?: readonly string[];
  /** Episodes that validation refused, without those that an order to come back cut short. Default: none. */
  readonly refusedEpisodes?: number;
}

/** Fails with one sentence when something is not as expected. */
export function expectSame(what: string, expected: unknown, got: unknown): void {
  if (!isDeepStrictEqual(expected, got))
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
}

/** Every record of the policy's assignment log, oldest first. */
export async function assignmentsOf(world: World): Promise<readonly AssignmentRecord[]> {
  const log = await readLog(world.context.store, `fleet/${world.policy}/assignments`, assignmentRecordSchema);
  return log.map(({ record }) => record);
}

const endSchema = z.object({
  candidateVersion: z.string().nullable(),
  outcome: z.string(),
  reason: z.string(),
  atMs: z.number(),
});

/** How tests, rollouts and offers that never ran ended, oldest first. */
export async function trialEndsOf({
  context: { store },
}: {
  readonly context: Pick<World['context'], 'store'>;
}): Promise<readonly z.infer<typeof endSchema>[]> {
  const ends: z.infer<typeof endSchema>[] = [];
  for await (const { key } of store.list('trials/'))
    if (key.endsWith('/end.json')) ends.push(await requireJson(store, key, endSchema, 'it was just listed'));
  return ends.toSorted((a, b) => a.atMs - b.atMs);
}

/** Its own trial ended so, and not a bootstrap. */
export async function expectPromoted(world: World, version: string): Promise<void> {
  const ends = await trialEndsOf(world);
  if (!ends.some(({ candidateVersion, outcome }) => candidateVersion === version && outcome === 'promoted'))
    throw new Error(`expected a trial that promoted ${version}, got ${JSON.stringify(ends)}`);
}

/**
 * Checks robots, alias history, assignment log and lake. The robots rest first and what they still hold is collected, so that every
 * episode they ever told of must be in the lake, or in quarantine, once.
 */
export async function expectEndState(world: World, expected: EndState): Promise<void> {
  const { policy, context, fleet, say } = world;
  await world.everyRobotFollows();
  const { robots } = await world.reader.readFleet(policy);
  const versions = new Map(robots.map(({ robotId, version }) => [robotId, version]));
  for (const robotId of fleet.robotIds) expectSame(`version of ${robotId}`, expected.champion, versions.get(robotId));

  const history = await readAliasHistory(context)({ policy });
  const champions = history.flatMap(({ set: { champion } }) => (champion === undefined ? [] : [champion]));
  expectSame('champions of the alias history', expected.champions, champions);

  const records = await assignmentsOf(world);
  const opened = new Set(
    records.flatMap(({ trialId, overrides }) => [
      ...(trialId === null ? [] : [trialId]),
      ...overrides.map((one) => one.trialId),
    ]),
  );
  const closed = records.flatMap((record) => (record.kind === 'closeTrial' ? [record.closedTrialId] : []));
  expectSame('closed trials', [...opened].toSorted(), closed.toSorted());
  if (expected.closedTrials !== undefined) expectSame('number of closed trials', expected.closedTrials, closed.length);
  const last = records.at(-1);
  expectSame('last assignment', [expected.champion, []], [last?.defaultVersion, last?.overrides]);

  say('robots, alias history and assignment log as they should be; the robots bring in what they recorded …');
  await fleet.rest();
  await expectLake(world, expected);
  say(
    `end state as it should be: ${robots.length} robots on ${expected.champion}, champions ${champions.join(' → ')}, ${records.length} assignments, ${closed.length} trials closed`,
  );
}

async function expectLake(world: World, { drivenVersions, refusedEpisodes = 0 }: EndState): Promise<void> {
  const { context, policy, fleet } = world;
  const told = new Map<string, { readonly failureReason: string | null }>();
  const tellers = new Map<string, string>();
  for await (const { entry, robotId } of readTelemetry(context.store, policy, world.startedMs, Date.now() + 1)) {
    if (entry.kind !== 'episode') continue;
    told.set(entry.episodeId, entry);
    tellers.set(entry.episodeId, robotId);
  }
  let stored = await episodesIn(world);
  let refused = await rulesOfRefused(world);
  let waiting: CollectionSummary['waiting'] = [];
  await waitUntil(
    async () => {
      waiting = await waitingOf(world, (await world.collect()).summaryKey);
      [stored, refused] = [await episodesIn(world), await rulesOfRefused(world)];
      // What a robot brings once it is in quarantine waits in landing until somebody has looked.
      const inQuarantine = new Set(waiting.filter(({ reason }) => reason === 'quarantined').map(({ name }) => name));
      for (const [episodeId, robotId] of tellers)
        if (inQuarantine.has(robotId) && !stored.ids.has(episodeId) && !refused.has(episodeId)) told.delete(episodeId);
      return stored.all + refused.size >= told.size;
    },
    () =>
      `${told.size} episodes in lake (got ${stored.all}) and quarantine (got ${refused.size}); left in landing: ${describeWaiting(waiting)}; segments left on robots: ${fleet.leftBehind()}`,
    60_000,
    1_000,
  );
  const good = told.size - refused.size;
  expectSame('episodes in the lake', [good, good], [stored.all, stored.distinct]);
  const cutShort = [...refused].filter(
    ([episodeId, rules]) =>
      told.get(episodeId)?.failureReason === 'rollback' && rules.every((rule) => rule === lengthRule),
  );
  expectSame('refused episodes', refusedEpisodes, refused.size - cutShort.length);
  if (drivenVersions !== undefined)
    expectSame('versions that drove', [...drivenVersions].toSorted().join(), stored.versions);
}

/** What a collection left in landing, and why. */
const waitingOf = async ({ context }: World, summaryKey: string): Promise<CollectionSummary['waiting']> =>
  (await readJson(context.store, summaryKey, collectionSummarySchema))?.waiting ?? [];

const describeWaiting = (waiting: CollectionSummary['waiting']): string =>
  waiting.map(({ segments, reason, name }) => `${segments} of ${name} (${reason})`).join(', ') || 'nothing';

/** An order to come back ends episodes that have hardly begun: validation refuses what is that short. */
const lengthRule = 'episode.length';

/** Broken rules by refused episode. */
export async function rulesOfRefused({ context: { store } }: World): Promise<ReadonlyMap<string, readonly string[]>> {
  const rules = new Map<string, readonly string[]>();
  for await (const { violations } of quarantined(store))
    for (const { episodeId, rule } of violations)
      if (episodeId !== null) rules.set(episodeId, [...(rules.get(episodeId) ?? []), rule]);
  return rules;
}

async function episodesIn({ context: { engine, lake } }: World) {
  const session = await engine.open();
  try {
    const { episodes } = await lake.currentVersion();
    const [row] = await session.rows(
      `SELECT count(*) AS n, string_agg(DISTINCT policy_version, ',' ORDER BY policy_version) AS versions FROM ${await lake.scan('episodes', episodes)}`,
    );
    const rows = await session.rows(`SELECT DISTINCT episode_id FROM ${await lake.scan('episodes', episodes)}`);
    const ids = new Set(rows.map((each) => textOf(each['episode_id'])));
    return { all: Number(row?.['n']), distinct: ids.size, ids, versions: textOf(row?.['versions']) };
  } finally {
    await session.close();
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
