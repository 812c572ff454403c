import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { Runtime } from '@temporalio/worker';

import { appendIncidents } from '../../activities/incidents/incident-log.ts';
import { setEpisodeStanding } from '../../activities/mix/exclusions.ts';
import { recordTrialEnd } from '../../activities/trials/record-trial-end.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { readWindows } from '../../domain/maintenance/index.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { addRobot, changeRobot, openDesk, publishRoots } from '../../fleet/desk/index.ts';
import { fleetKeys, telemetryHour } from '../../fleet/desk/keys.ts';
import { setWindows } from '../../fleet/desk/windows.ts';
import { openFileKeys } from '../../activities/adapters/file-signer.ts';
import { FoldingLogger, openLogger } from '../../workers/logger.ts';
import { withLoop, type Loop } from '../loop/loop.ts';
import { writeGeneratedWeek } from '../support/generated-week/generator.ts';
import { stopTemporal } from '../support/temporal.ts';

/**
 * Writes a small store as this version of Flywheel leaves one behind: `node test/old-stores/write-store.ts test/fixtures/stores/v0.2`, run once with a
 * release that is about to be tagged. test/old-stores/old-stores.test.ts opens every store there is with every later version.
 */
const policy = 'wall-follower';
const who = { who: 'ada', why: 'a store to remember' };
const [target = ''] = process.argv.slice(2);

async function register(store: Loop['store'], clock: () => number): Promise<void> {
  const ports = { store, clock };
  const robotType = { id: scitosG5Type.id, version: scitosG5Type.version };
  const place = { policy, robotType, site: 'hall', stratum: 'hall' };
  for (const robotId of ['robot-001', 'robot-002', 'robot-003'])
    await addRobot(ports, { robotId, ...place, tokenHashes: ['a'.repeat(64)], ...who });
  await changeRobot(ports, { robotId: 'robot-002', ...who, why: 'it hit a door' }, () => ({ isQuarantined: true }));
  await changeRobot(ports, { robotId: 'robot-003', ...who, why: 'its card was copied' }, () => ({
    tokenHashes: [],
    isRevoked: true,
  }));
  const text = { zone: 'Europe/Berlin', days: 'mon-fri', from: '22:00', to: '05:00', blackout: undefined };
  await setWindows(ports, { site: 'hall', windows: readWindows(text, clock()), ...who });
}

async function tell(store: Loop['store'], nowMs: number): Promise<void> {
  const entry = {
    kind: 'episode',
    seq: 0,
    atMs: nowMs - 60_000,
    policyVersion: '1.0.0',
    trialId: null,
    episodeId: '01J00000000000000000000001',
    task: 'follow-wall',
    durationMs: 6_000,
    outcome: 'success',
    failureReason: null,
    intervened: false,
    latencyP50Ms: 3,
  };
  const batch = { robotId: 'robot-001', bootId: '01J00000000000000000000000', clockSkewMs: 0, receivedMs: nowMs };
  const key = `${fleetKeys.telemetryHour(policy, telemetryHour(nowMs))}/${'b'.repeat(64)}`;
  await store.put(key, new TextEncoder().encode(`${JSON.stringify({ ...batch, entries: [entry] })}\n`));
}

async function remember(loop: Loop, candidate: string, cycleId: string): Promise<Record<string, unknown>> {
  const { store, settings } = loop;
  const clock = Date.now;
  const keys = openFileKeys(settings.keysDirectory);
  await publishRoots(store, keys.roots());
  const desk = openDesk({ store });
  const seq = { next: 0 };
  for await (const { key } of store.list(`${fleetKeys.assignmentLog(policy)}/`)) seq.next += key === '' ? 0 : 1;
  const origin = { ...who, operationId: 'a-trial', atMs: clock() };
  const { champion = '' } = await readAliases({ store })({ policy });
  const common = { championVersion: champion, defaultVersion: champion, urgency: 'whenIdle', ...origin } as const;
  const overrides = [{ version: '1.0.0', trialId: 'trial-1', urgency: 'whenIdle', robotIds: ['robot-001'] }] as const;
  await desk.write({ policy, seq: seq.next, record: { kind: 'assign', ...common, trialId: null, overrides } });
  await desk.write({
    policy,
    seq: seq.next + 1,
    record: { kind: 'closeTrial', closedTrialId: 'trial-1', ...common, trialId: null, overrides: [] },
  });
  await recordTrialEnd({ store })({
    trialId: 'trial-1',
    policy,
    candidateVersion: '1.0.0',
    outcome: 'rejected',
    reason: 'no proof',
    atMs: clock(),
    facts: { faultyRobots: [] },
  });
  const event = { incidentId: 'silent.robot-001.1', cause: 'silent', subject: 'robot-001', state: 'opened' } as const;
  await appendIncidents(store, policy, 0, {
    lookId: 'look-1',
    events: [{ ...event, atMs: clock(), reason: 'unheard' }],
  });
  const version = await loop.lake.currentVersion();
  const episodes = await loop.rows('episodes', version.episodes);
  const frames = await loop.rows('frames', version.frames);
  return { policy, cycleId, champion, candidate, version, episodes, frames, assignments: seq.next + 2 };
}

Runtime.install({ logger: new FoldingLogger(openLogger('fatal', 'test'), Date.now) });
await withLoop(policy, scitosG5Type, async (loop) => {
  const { store, directory, settings } = loop;
  const nowMs = Date.now();
  await register(store, () => nowMs);
  const week = { seed: 1, week: 0, robots: 20, episodesPerRobotDay: 1, framesPerEpisode: 24 };
  await writeGeneratedWeek({ store, scratchDirectory: settings.scratchDirectory }, week);
  await store.put(`landing/robot-001/${'c'.repeat(64)}.parquet`, new TextEncoder().encode('no parquet'));
  await tell(store, nowMs);
  const result = await loop.cycle({ bootstrap: true, training: { seed: 1 } });
  const cycleId = result.reportKey.replace(/^reports\/|\.html$/g, '');
  const expected = await remember(loop, result.candidateVersion ?? 'none', cycleId);
  const ids = await firstEpisode(loop);
  await setEpisodeStanding(
    { store, clock: Date.now },
    { episodeId: ids, standing: 'excluded', who: 'ada', reason: 'odd' },
  );
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  await cp(path.join(directory, 'store'), path.join(target, 'store'), { recursive: true });
  // What is made of the rest again, and would only take room.
  for (const folder of ['training-sets', 'training-runs', 'heldout-sets'])
    await rm(path.join(target, 'store', folder), { recursive: true, force: true });
  await cp(settings.keysDirectory, path.join(target, 'keys'), { recursive: true });
  const document = { ...expected, outcome: result.outcome, excluded: ids };
  await writeFile(path.join(target, 'expected.json'), `${JSON.stringify(document, undefined, 2)}\n`);
});
await stopTemporal();

async function firstEpisode({ lake, settings }: Loop): Promise<string> {
  const { duckDbEngine } = await import('../../activities/adapters/duckdb-engine.ts');
  const engine = duckDbEngine({ temporaryDirectory: settings.scratchDirectory, threads: 1 });
  const session = await engine.open();
  try {
    const { episodes } = await lake.currentVersion();
    const [row] = await session.rows(`SELECT min(episode_id) AS id FROM ${await lake.scan('episodes', episodes)}`);
    const id: unknown = row?.['id'];
    if (typeof id !== 'string') throw new Error('expected an episode in the lake, got none');
    return id;
  } finally {
    await session.close();
  }
}
