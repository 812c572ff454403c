import { existsSync } from 'node:fs';
import path from 'node:path';

import { readOpenIncidents } from '../activities/monitor/monitor-state.ts';
import { defaultPolicy } from '../activities/default-policy.ts';
import { scitosG5RecordingType, scitosG5RoomsType } from '../datasets/built-in-robot-types.ts';
import { importWallFollowing } from '../datasets/importers/wall-following.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import { splitOf } from '../datasets/split.ts';
import { utcDay } from '../domain/facts/days.ts';
import { isRegistered, readTelemetry } from '../fleet/desk/index.ts';
import { roomFamilies } from '../fleet/simulator/rooms/families.ts';
import { parseScenario, quirksOf } from '../fleet/simulator/scenario.ts';
import { describeDriving } from './driving.ts';
import { leastTaskEpisodes } from '../policies/gates/tasks.ts';
import type { TrialResult } from '../workflows/trial/messages.ts';
import type { Circumstances } from './fleet.ts';
import type { Installation } from './installation.ts';
import { followTrial } from './trial.ts';
import { waitFor } from './wait-for.ts';
import type { World } from './world.ts';

/** Which policy the cycles train, and what it learns from: a recording, or without one the simulated fleet. */
export interface Source {
  readonly policy: string;
  readonly robotType: RobotType;
  readonly recording?: string;
}

export const sourceOf = (dataDirectory: string | undefined): Source =>
  dataDirectory === undefined
    ? { policy: defaultPolicy, robotType: scitosG5RoomsType }
    : {
        policy: `${defaultPolicy}-recording`,
        robotType: scitosG5RecordingType,
        recording: recordingIn(dataDirectory),
      };

/** What cycles learn from, and who tries what they made. */
export interface Experience {
  /** Sees to one cycle's experience; `isFirst`: nothing was learned yet. Says in a few words what it was. */
  bring(isFirst: boolean): Promise<string>;
  /** Follows the trial of a candidate that was offered to its end. */
  tried(candidateVersion: string): Promise<TrialResult['outcome']>;
  /** What can be said of these versions after a cycle, in one sentence. */
  compare?(versions: readonly string[]): Promise<string>;
}

/** DIR or DIR/wall-following, whichever holds the recording; said at once when neither does. */
function recordingIn(directory: string): string {
  const places = [directory, path.join(directory, 'wall-following')];
  const found = places.find((place) => existsSync(path.join(place, recordingFile)));
  if (found !== undefined) return found;
  throw new Error(`--data: expected ${recordingFile} in ${places.join(' or ')}, got none; it is UCI data set 194`);
}

const recordingFile = 'sensor_readings_24.data';

export const recordedExperience = ({ context, say }: Installation, recording: string): Experience => ({
  async bring() {
    const summary = await importWallFollowing({
      ...context,
      path: recording,
      progress: (line) => say(`  ${line}`),
      isRegistered: (robotId) => isRegistered(context.store, robotId),
    });
    return `${summary.episodes} recorded episodes of ${summary.robots} robots (${summary.frames} frames) in landing`;
  },
  tried: async (candidateVersion) => {
    throw new Error(`expected no trial without robots, got ${candidateVersion} offered`);
  },
});

/** The last family stays unknown: a policy that is bad there passes every offline gate. */
export const knownFamilies = roomFamilies.slice(0, -1);

/** A robot drives at least so much, and at most so much before the first cycle. */
const episodesPerRobot = { least: 40, most: 240 };
/** Robots do not drive in all kinds of rooms equally often. */
const moreThanEnough = 1.2;

/** Episodes of each robot that give every task enough held-out ones, however few of the robots the draw of the day holds out. */
export function episodesOfEach(
  robotIds: readonly string[],
  { split }: Pick<RobotType, 'split'>,
  nowMs: number,
): number {
  const startedAtUs = nowMs * 1_000;
  const isHeldOut = (robotId: string): boolean =>
    splitOf({ robotId, recordedOn: utcDay(nowMs), startedAtUs }, split) === 'heldout';
  const wanted = (moreThanEnough * leastTaskEpisodes * knownFamilies.length) / robotIds.filter(isHeldOut).length;
  return Math.min(episodesPerRobot.most, Math.max(episodesPerRobot.least, Math.ceil(wanted)));
}

/** What becomes of every robot of a fleet that lives on. */
export interface Change {
  /** In a sentence, for people. */
  readonly sentence: string;
  readonly quirks: Required<Circumstances>['quirks'];
}

/** What a living fleet brings. Before the first cycle it drives at full speed, before later ones it lives on, changed or not. */
export function fleetExperience(world: World, change?: Change): Experience {
  const { fleet, context, policy, robotType, seed, say } = world;
  const quirks = quirksOf(parseScenario({ quirks: change?.quirks }), 0);
  return {
    async bring(isFirst) {
      const robots = fleet.robotIds.length;
      const startMs = Date.now();
      const each = episodesOfEach(fleet.robotIds, robotType, startMs);
      if (isFirst) {
        say(`  ${robots} robots drive in rooms of these kinds: ${knownFamilies.join(', ')} …`);
        await fleet.rest();
        await fleet.drive(each, { families: knownFamilies });
        fleet.live({ families: knownFamilies });
      } else {
        if (change !== undefined) {
          say(`  ${change.sentence}`);
          fleet.trouble({ quirks: change.quirks });
        }
        say(`  ${robots} robots live on …`);
      }
      await world.everyRobotFollows();
      let outcomes = { episodes: 0, successes: 0 };
      const wanted = robots * each;
      await waitFor({
        what: `${wanted} episodes of this fleet`,
        say,
        lookEveryMs: 500,
        async look() {
          outcomes = await outcomesSince(world, startMs);
          return { isDone: outcomes.episodes >= wanted, state: `${outcomes.episodes} were told of` };
        },
      });
      const { incidents } = await readOpenIncidents(context.store, policy);
      for (const { cause, subject, reason } of incidents)
        if (!fleet.robotIds.includes(subject)) say(`  the monitor: ${cause}: ${reason}`);
      const { episodes, successes } = outcomes;
      return `${episodes} episodes, ${((100 * successes) / episodes).toFixed(1)} % of them successes`;
    },
    async tried(candidateVersion) {
      const { outcome } = await followTrial(world, candidateVersion);
      await world.everyRobotFollows();
      return outcome;
    },
    compare: (versions) => describeDriving(context.store, { policy, robotType, versions, seed, quirks }),
  };
}

/** Outcomes that gateways have stored since. */
async function outcomesSince({ context, policy }: World, startMs: number) {
  const outcomes = { episodes: 0, successes: 0 };
  for await (const { entry } of readTelemetry(context.store, policy, startMs, Date.now() + 1)) {
    if (entry.kind !== 'episode' || entry.outcome === 'aborted') continue;
    outcomes.episodes += 1;
    outcomes.successes += entry.outcome === 'success' ? 1 : 0;
  }
  return outcomes;
}
