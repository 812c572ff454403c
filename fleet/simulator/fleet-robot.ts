// Long: one life is told here, with all that can interrupt it.
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { RobotType } from '../../datasets/robot-type.ts';
import type { RandomStream } from '../../policies/random.ts';
import { openAgent, UnknownTask, type Agent, type AgentOptions } from '../agent/index.ts';
import { decisionLatencyMs } from './computer.ts';
import { troubledFetch, type NetworkTrouble } from './faulty-network.ts';
import { emptyTally, type FleetTally } from './fleet-tally.ts';
import { cuttablePower } from './power-cut.ts';
import type { Rounds } from './rounds.ts';
import { conditionOf, type Condition, type Scenario } from './scenario.ts';
import type { SimulatedFailure, Surroundings } from './surroundings.ts';
import { openViewer } from './viewer.ts';

export type RobotPorts = Pick<
  AgentOptions,
  | 'gatewayUrl'
  | 'robotType'
  | 'root'
  | 'publicKeyPem'
  | 'clock'
  | 'monotonic'
  | 'runtime'
  | 'limits'
  | 'random'
  | 'machineBootId'
  | 'clipMaker'
> & {
  readonly fetch: NonNullable<AgentOptions['fetch']>;
  readonly log: NonNullable<AgentOptions['log']>;
  /** Of a model that robots have loaded, by its sha256. */
  readonly modelSizeBytes: (sha256: string) => number;
};

export interface FleetRobotInput {
  readonly robotId: string;
  readonly token: string;
  /** Position in the fleet, as scenarios name robots. */
  readonly position: number;
  readonly directory: string;
  readonly surroundings: Surroundings;
  readonly scenario: () => Scenario;
  /** Which episodes an expert watches, how long the computer thinks. */
  readonly random: RandomStream;
  /** Episodes to live; Infinity goes on until stopped. */
  readonly episodes: number;
  /** It begins an episode every so many milliseconds, or at once where that is over. */
  readonly episodeEveryMs: number;
  /** Of robots that live at an interval; without them it waits for nobody. */
  readonly rounds?: Rounds | undefined;
  /** Whether frames come as fast as the robot drives; else they are dated as if they had. */
  readonly isRealTime: boolean;
  readonly ports: RobotPorts;
}

/** One simulated robot: surroundings, the real agent, and what goes wrong with both. */
export interface FleetRobot {
  /** Ready to drive another frame now. */
  isReady(): boolean;
  isDone(): boolean;
  /** It stands still until its scenario lets it go on; nobody waits for it. */
  isParked(): boolean;
  /** Drives one frame: asks the policy, acts, records. What it starts beyond (ends, deaths) goes on by itself. */
  step(): Promise<void>;
  readonly tally: FleetTally;
  agent(): Agent;
  /** Begins no further episode, and waits until what it started is over. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

type State = 'driving' | 'between' | 'done';

const waitForPolicyMs = 50;
const waitForRoundMs = 20;
const waitAfterStopMs = 20;
const restStepMs = 200;
/** Spreads the fleet's first episodes over the time between two, evenly for any number of robots; none waits long. */
const mostSpreadMs = 2_000;
const spread = (position: number): number => (position * 0.618_034) % 1;
/** The task that is named after the place, where there is one. */
const taskIn = ({ tasks }: RobotType, agent: Agent, place = ''): string =>
  agent.mayRecord(place) ? place : (tasks[0] ?? '');
const framePeriodUs = (type: RobotType): number => 1e6 / type.rateHz;

/** Long because one life is told here, with all that can interrupt it. */
export async function openFleetRobot(input: FleetRobotInput): Promise<FleetRobot> {
  const { robotId, surroundings, ports, position } = input;
  const directory = path.join(input.directory, robotId);
  const tally = emptyTally();
  const viewer = openViewer(ports.robotType, surroundings);
  const trouble: NetworkTrouble = {
    isOffline: false,
    corruptsSegments: false,
    onCorrupted: () => (tally.corruptedSegments += 1),
  };
  const power = cuttablePower();
  let state: State = 'between';
  let episode = -1;
  let [frame, startedUs] = [0, 0];
  let [isWatched, isStopping, isTaught] = [false, false, false];
  const leaving = new AbortController();
  const isLeaving = (): boolean => leaving.signal.aborted;
  let scenario = input.scenario();
  let condition: Condition = conditionOf(scenario, position, 0);
  let task = ports.robotType.tasks[0] ?? '';
  let dueMs = ports.monotonic() + spread(position) * Math.min(input.episodeEveryMs, mostSpreadMs);
  let busyWith: Promise<unknown> = Promise.resolve();

  const wall = (): number => ports.clock() + condition.skewMs;
  const open = (): Promise<Agent> =>
    openAgent({
      ...ports,
      robotId,
      directory,
      token: input.token,
      clock: wall,
      sync: power.sync,
      fetch: troubledFetch(robotId, ports.fetch, trouble),
      onSafeStop: stopSafely,
    });
  let agent = await open();

  /** The agent ends the episode itself once the robot stands still. */
  async function stopSafely(): Promise<void> {
    if (state !== 'driving') return;
    isStopping = true;
    state = 'between';
    tally.interruptedEpisodes += frame > 0 ? 1 : 0;
    inBackground(async () => {
      await sleep(waitAfterStopMs);
      await next();
    });
  }

  function inBackground(work: () => Promise<void>): void {
    busyWith = busyWith.then(work).catch((cause: unknown) => {
      ports.log(`${robotId}: ${cause instanceof Error ? cause.message : String(cause)}`);
      input.rounds?.leave(position);
      state = 'done';
    });
  }

  /** Begins the next episode, or is done. */
  async function next(): Promise<void> {
    episode += 1;
    if (episode >= input.episodes) {
      input.rounds?.leave(position);
      state = 'done';
      trouble.isOffline = false;
      return;
    }
    await park();
    trouble.corruptsSegments = condition.corruptsSegments;
    if (condition.hangMs > 0) {
      input.rounds?.leave(position);
      trouble.isOffline = true;
      await sleep(condition.hangMs);
    }
    trouble.isOffline = condition.isOffline;
    await takeTurn();
    if (isLeaving()) return;
    surroundings.begin();
    viewer.begin();
    task = taskIn(ports.robotType, agent, surroundings.place());
    agent.beginEpisode({ task });
    isTaught = false;
    isWatched = input.random() < scenario.correctedFraction;
    isStopping = false;
    frame = 0;
    startedUs = Math.round(wall() * 1000 - scenario.framesPerEpisode * framePeriodUs(ports.robotType));
    state = 'driving';
  }

  /** Waits for its time, its policy and its round. */
  async function takeTurn(): Promise<void> {
    const { rounds } = input;
    if (agent.policy() !== undefined) rounds?.join(position);
    await restUntil(dueMs);
    dueMs = Math.max(dueMs + input.episodeEveryMs, ports.monotonic());
    if (agent.policy() === undefined) rounds?.leave(position);
    while (agent.policy() === undefined && !isLeaving()) await sleep(waitForPolicyMs);
    rounds?.join(position);
    while (rounds?.mayBegin(position) === false && !isLeaving()) await sleep(waitForRoundMs);
    rounds?.begin(position);
  }

  function readScenario(): Condition {
    scenario = input.scenario();
    condition = conditionOf(scenario, position, episode);
    return condition;
  }

  /** Reads what the scenario says of this episode, and stands still for as long as it says so. */
  async function park(): Promise<void> {
    if (readScenario().isParked) {
      input.rounds?.leave(position);
      await agent.settle();
    }
    while (!isLeaving() && readScenario().isParked) await sleep(restStepMs);
  }

  /** In small steps, so that nobody waits for a robot that rests. */
  async function restUntil(endMs: number): Promise<void> {
    const left = (): number => endMs - ports.monotonic();
    for (let leftMs = left(); leftMs > 0 && !isLeaving(); leftMs = left()) await sleep(Math.min(leftMs, restStepMs));
  }

  async function die(): Promise<void> {
    input.rounds?.leave(position);
    tally.interruptedEpisodes += frame > 0 ? 1 : 0;
    for (let death = 0; death < Math.max(1, condition.crashes); death += 1) {
      await agent.crash();
      tally.crashes += 1;
      if (condition.isPowerCut && death === 0) {
        power.cut(directory);
        tally.powerCuts += 1;
      }
      agent = await open();
    }
    await next();
  }

  async function end(failure: SimulatedFailure | undefined): Promise<void> {
    const when = input.isRealTime ? {} : { atUs: frameUs(frame) };
    const isKept = await (failure === undefined
      ? agent.endEpisode('success', when)
      : agent.endEpisode('failure', { ...when, reason: failure }));
    if (isKept) {
      tally.endedEpisodes += 1;
      if (failure === undefined) tally.successes += 1;
      else {
        tally.failures += 1;
        tally.failuresByReason[failure] = (tally.failuresByReason[failure] ?? 0) + 1;
      }
    }
    await next();
  }

  const frameUs = (index: number): number => startedUs + Math.round(index * framePeriodUs(ports.robotType));
  const isFatal = (): boolean => condition.crashes > 0 || condition.isPowerCut;
  const deathFrame = (): number => Math.ceil(scenario.framesPerEpisode / 2);

  /** Nobody acts by a model on a task that it does not know: the expert takes the wheel for this episode. */
  function teach(cause: unknown): undefined {
    if (!(cause instanceof UnknownTask)) throw cause;
    isTaught = true;
    tally.taughtEpisodes += 1;
  }

  function recordImages(atUs: number | undefined): void {
    for (const { camera, bytes } of viewer.look(frame)) {
      agent.recordImage(camera, bytes, atUs);
      tally.images += 1;
    }
  }

  async function step(): Promise<void> {
    const seen = Float32Array.from(surroundings.readings);
    const expertAction = surroundings.expertAction();
    const when = input.isRealTime ? {} : { atUs: frameUs(frame) };
    recordImages(when.atUs);
    const policy = agent.policy();
    const decision = isTaught ? undefined : await policy?.decide(seen, task, viewer.images()).catch(teach);
    if (policy === undefined || (decision === undefined && !isTaught) || state !== 'driving' || isStopping) return;
    const action = decision?.action[0] ?? expertAction;
    const latency =
      decision === undefined ? {} : { latencyMs: decisionLatencyMs(ports.modelSizeBytes(policy.sha256), input.random) };
    const recorded = { observation: seen, action: [action], ...latency, ...when };
    if (isWatched && action !== expertAction) {
      agent.correct(recorded, [expertAction]);
      tally.corrections += 1;
    } else agent.record(recorded);
    surroundings.act(action);
    frame += 1;
    tally.frames += 1;
    const failure = surroundings.failure();
    const isOver =
      frame >= scenario.framesPerEpisode || (failure !== undefined && frame >= ports.robotType.limits.minEpisodeFrames);
    const isDying = isFatal() && (isOver || frame >= deathFrame());
    if (!isOver && !isDying) return;
    state = 'between';
    inBackground(isDying ? die : () => end(failure));
  }

  inBackground(next);
  return {
    tally,
    agent: () => agent,
    isReady: () => state === 'driving',
    isDone: () => state === 'done',
    isParked: () => condition.isParked,
    step,
    settled: async () => {
      leaving.abort();
      await busyWith;
      // at home there is a network
      trouble.isOffline = false;
      // an episode below the least length would be refused
      const least = ports.robotType.limits.minEpisodeFrames;
      for (let more = least; more > 0 && state === 'driving' && frame < least; more -= 1) await step();
      await busyWith;
      if (state === 'driving') {
        tally.interruptedEpisodes += frame > 0 ? 1 : 0;
        // ended here, and not by the agent when it closes: what is recorded is to be uploaded before
        await agent.endEpisode('aborted', { reason: 'agentStopped' });
      }
      state = 'done';
    },
    async close() {
      leaving.abort();
      await busyWith;
      await agent.close();
    },
  };
}
