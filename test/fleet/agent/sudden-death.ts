import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import type { KillPoint } from '../../../fleet/agent/index.ts';
import { startFakeGateway } from './fake-gateway.ts';
import { championOrder, fleetKeys, publish } from './fleet-keys.ts';
import { live, storedEpisodes } from './lives.ts';
import { robotId, temporaryDirectory, token } from './robot.ts';

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** How often a life of eight episodes passes a point, where that is more than once. */
const timesReached: Partial<Record<KillPoint, number>> = {
  'frame.written': 60,
  'segment.written': 3,
  'segment.named': 3,
  'spool.removed': 3,
  'upload.answered': 3,
  'state.written': 3,
  'begin.written': 7,
  'end.written': 7,
  'end.synced': 7,
};
/** Points behind an answer of the gateway. */
const needsGateway = /^(upload|segment.removed|telemetry.answered|report|model|state)/;

export interface SuddenDeathResult {
  readonly kills: number;
  readonly ended: number;
  readonly stored: number;
  readonly dropped: number;
  readonly reached: ReadonlySet<KillPoint>;
}

/**
 * Lets a robot live and die again and again, each time killed (SIGKILL) at a named point, and holds the accounts after a
 * last life that ends in order: every ended episode is stored once or reported as dropped, told once, and the installed
 * policy loads at every start.
 */
export async function sufferSuddenDeaths(options: {
  readonly seed: number;
  /** Where each life ends; lives in which a point is not reached end in order. */
  readonly points: readonly KillPoint[];
}): Promise<SuddenDeathResult> {
  const random = seeded(options.seed);
  const keys = fleetKeys();
  const gateway = await startFakeGateway(robotId, token);
  const folder = await temporaryDirectory();
  const directory = path.join(folder.directory, 'robot');
  await mkdir(directory);
  try {
    const baseline = await publish(gateway, keys, '1.0.0', { seed: 1 });
    let champion = baseline;
    const ended: string[] = [];
    const reached = new Set<KillPoint>();
    const base = { directory, gatewayUrl: gateway.url, publicKeyPem: keys.publicKeyPem };
    let kills = 0;
    let hasPolicy = false;
    for (const [life, point] of options.points.entries()) {
      // Something to fetch and to switch to, something to drop: what the point needs to be reached.
      const isNewOrder = /^(model|state|report)/.test(point);
      if (isNewOrder) champion = await publish(gateway, keys, `1.${life}.0`, { seed: life + 2 });
      gateway.setOrder(championOrder(life, champion, baseline));
      const isDropping = point.startsWith('drop');
      const isAway = isDropping || (!needsGateway.test(point) && random() < 0.3);
      gateway.refuse = (where) => (isAway && /segments|telemetry|install-report/.test(where) ? 503 : undefined);
      const nth = 1 + Math.floor(random() * (timesReached[point] ?? 1));
      const quotaBytes = isDropping ? 25_000 : 1e9;
      const result = await live({ ...base, quotaBytes, life, episodes: 8, death: { point, nth } });
      if (result.signal === 'SIGKILL') {
        kills += 1;
        reached.add(point);
      }
      ended.push(...result.ended);
      if (result.policy !== undefined) {
        assert.ok(result.policy !== null || !hasPolicy, `the installed policy did not load [life=${life}]`);
        hasPolicy ||= result.policy !== null;
      }
    }
    gateway.refuse = () => undefined;
    const last = await live({ ...base, quotaBytes: 1e9, life: options.points.length, episodes: 2, death: null });
    assert.equal(last.signal, null);
    assert.notEqual(last.policy, null);
    ended.push(...last.ended);

    const stored = await storedEpisodes(gateway, folder.directory);
    const entries = [...gateway.entries.values()];
    const episodes = entries.flatMap((entry) => (entry.kind === 'episode' ? [entry] : []));
    const told = episodes.map(({ episodeId }) => episodeId);
    const corrected = new Map(episodes.map(({ episodeId, correctedFrames }) => [episodeId, correctedFrames]));
    const dropped = entries.reduce(
      (sum, entry) => sum + (entry.kind === 'dropped' ? entry.successes + entry.others : 0),
      0,
    );
    assert.deepEqual(
      stored.filter(({ frames, frameCount, files }) => frames !== frameCount || files !== 1),
      [],
    );
    assert.deepEqual(
      stored.filter(({ id, correctedFrames }) => corrected.get(id) !== correctedFrames),
      [],
      'episodes told with other corrections than their frames have',
    );
    assert.deepEqual(
      ended.filter((id) => !told.includes(id)),
      [],
      'ended episodes that the gateway never heard of',
    );
    assert.equal(new Set(told).size, told.length, 'episodes told under two numbers');
    // Every episode made was told (ended ones, and those a restart ended as aborted): made = stored + dropped.
    assert.equal(stored.length + dropped, told.length);
    if (dropped === 0) {
      const ids = new Set(stored.map(({ id }) => id));
      assert.deepEqual(
        ended.filter((id) => !ids.has(id)),
        [],
        'ended episodes that were lost',
      );
    }
    return { kills, ended: ended.length, stored: stored.length, dropped, reached };
  } finally {
    await gateway.stop();
    await folder.remove();
  }
}
