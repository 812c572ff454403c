import { setTimeout as sleep } from 'node:timers/promises';

import { readOpenIncidents } from '../../activities/monitor/monitor-state.ts';
import type { IncidentCause } from '../../domain/monitoring/index.ts';
import { waitUntil } from '../processes.ts';
import { assignmentsOf, expectSame } from './end-state.ts';
import type { World } from '../world.ts';

/** Parts that several scenarios share. */

const episodesBefore = 12;
const longPast = 80;
const incidentLimitMs = 60_000;
const returnLimitMs = 60_000;

/** A champion that every robot drove some episodes with, which wait in landing. Resolves with its version. */
export async function drivenChampion(
  world: World,
  model: Uint8Array,
  why: string,
  episodes = episodesBefore,
): Promise<string> {
  const champion = await world.baseline(model, why);
  await world.fleet.drive(episodes);
  const { length } = world.fleet.robotIds;
  world.say(`${length} robots drove ${length * episodes} episodes with ${champion}, ${why}`);
  return champion;
}

/** A champion that is known: it drove, and the lake has its episodes. Robots live on. Resolves with its version. */
export async function livingChampion(
  world: World,
  model: Uint8Array,
  why: string,
  episodes = episodesBefore,
): Promise<string> {
  const champion = await drivenChampion(world, model, why, episodes);
  const { quarantinedEpisodes } = await world.collect();
  expectSame('quarantined episodes', 0, quarantinedEpisodes);
  world.fleet.live();
  await world.everyRobotFollows();
  return champion;
}

/** A living champion of which more is known: what a rollout is to prove within a percentage point needs a past. */
export const knownChampion = (world: World, model: Uint8Array, why: string): Promise<string> =>
  livingChampion(world, model, why, longPast);

/**
 * When the order to come back was decided, and how long after it the last robot was back. Throws when the trial ended from outside,
 * or without any robot that had to come back.
 */
export async function watchReturn(
  world: World,
  sinceMs = world.startedMs,
): Promise<{ readonly alarmMs: number; readonly backMs: number }> {
  const closingNow = async () =>
    (await assignmentsOf(world)).findLast(({ kind, atMs }) => kind === 'closeTrial' && atMs >= sinceMs);
  for (;;) {
    const brokenOff = await world.trialBrokenOff();
    const isOver = brokenOff !== undefined || (await world.trial()).stage === 'ended';
    const closing = await closingNow();
    if (closing !== undefined) {
      await world.everyRobotFollows();
      return { alarmMs: closing.atMs, backMs: Date.now() - closing.atMs };
    }
    if (isOver) throw new Error(`the trial was ${brokenOff ?? 'ended'}, and nobody ordered its robots back`);
    await sleep(100);
  }
}

/** Throws unless every robot was back within a minute of the alarm. */
export function expectBackSoon(backMs: number): void {
  if (backMs > returnLimitMs) throw new Error(`expected every robot back within 60 s of the alarm, got ${backMs} ms`);
}

/** Waits until the rollout watches this stage. */
export async function stageOf(world: World, stage: number): Promise<void> {
  const wanted = (await world.trial()).candidateVersion;
  for (;;) {
    const status = await world.rollout();
    if (status?.state?.kind === 'watching' || status?.state?.kind === 'held' || status?.state?.kind === 'holdback')
      if (status.state.stage >= stage) return;
    const trial = await world.trial();
    if (trial.stage === 'ended' || trial.candidateVersion !== wanted)
      throw new Error(
        `expected stage ${stage} of ${wanted}, got the end of its trial: ${JSON.stringify(trial.result)}`,
      );
    await sleep(250);
  }
}

/** Waits until the monitor has open incidents of this cause about just these subjects, in any order. */
export async function incidentsAre(world: World, cause: IncidentCause, subjects: readonly string[]): Promise<void> {
  const { context, policy } = world;
  const wanted = subjects.toSorted().join();
  await waitUntil(
    async () => {
      const { incidents } = await readOpenIncidents(context.store, policy);
      const about = incidents.filter((incident) => incident.cause === cause).map(({ subject }) => subject);
      return about.toSorted().join() === wanted;
    },
    `open incidents ${cause} about ${wanted || 'nobody'}`,
    incidentLimitMs,
  );
}
