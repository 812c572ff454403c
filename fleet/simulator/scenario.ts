import { z } from 'zod';

import { noCameraQuirks, noQuirks, type Quirks } from './quirks.ts';
import { obstacleKinds } from './rooms/camera/appearance.ts';
import { roomFamilies } from './rooms/families.ts';
import { sensorCount } from './rooms/body.ts';

/** Which robots: all, or by their position in the fleet, from 0. */
const robots = z.union([z.literal('all'), z.array(z.int().min(0).max(9_999)).min(1)]).default('all');
/** The robot's own episodes, counted from 0; half-open. */
const episodes = { start: z.int().min(0).default(0), end: z.int().min(1).default(Number.MAX_SAFE_INTEGER) };
/** The robot's own episode at whose beginning it happens, counted from 0. */
const episode = z.int().min(0);

const quirkSchema = z.strictObject({
  robots,
  noiseM: z.number().min(0).max(5).optional(),
  biasM: z.number().min(-5).max(5).optional(),
  sensors: z.array(z.int().min(1).max(sensorCount)).min(1).optional(),
  deadSensor: z.int().min(1).max(sensorCount).optional(),
  speedFraction: z.number().min(0).max(1).optional(),
  camera: z
    .strictObject({
      lightFraction: z.number().min(0).max(10).exactOptional(),
      exposureStops: z.number().min(-8).max(8).exactOptional(),
      blurFraction: z.number().min(0).max(0.05).exactOptional(),
      dirtFraction: z.number().min(0).max(0.9).exactOptional(),
      dirtMoves: z.boolean().exactOptional(),
    })
    .optional(),
});

const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('offline'), robots, ...episodes }),
  z.strictObject({ kind: z.literal('clockSkew'), robots, ...episodes, skewMs: z.number() }),
  z.strictObject({ kind: z.literal('corruptSegment'), robots, ...episodes }),
  z.strictObject({ kind: z.literal('hang'), robots, episode, durationMs: z.number().min(0) }),
  z.strictObject({ kind: z.literal('crashLoop'), robots, episode, crashes: z.int().min(1).max(100) }),
  z.strictObject({ kind: z.literal('powerCut'), robots, episode }),
  z.strictObject({ kind: z.literal('parked'), robots, ...episodes }),
]);

/** What the simulated robots live in and what happens to them; described in docs/simulator.md. */
export const scenarioSchema = z.strictObject({
  world: z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('rooms'),
        families: z
          .array(z.enum(roomFamilies))
          .min(1)
          .default([...roomFamilies]),
        /** Kinds of what stands in rooms, as cameras see it; default: all, by chance. */
        obstacles: z.tuple([z.enum(obstacleKinds)], z.enum(obstacleKinds)).optional(),
        /** Whether a robot begins every episode in another place of its room; default: where the last one ended, unless it failed. */
        startsAnew: z.boolean().optional(),
      }),
      z.strictObject({ kind: z.literal('recording'), path: z.string().min(1) }),
    ])
    .default({ kind: 'rooms', families: [...roomFamilies] }),
  framesPerEpisode: z.int().min(9).max(5400).default(60),
  /** Share of episodes whose wrong actions an expert corrects, 0–1. */
  correctedFraction: z.number().min(0).max(1).default(1),
  quirks: z.array(quirkSchema).default([]),
  faults: z.array(faultSchema).default([]),
});
export type Scenario = z.infer<typeof scenarioSchema>;
export type ScenarioFault = Scenario['faults'][number];

/** Checks a scenario file's content; unknown keys are refused, and the error says where. */
export function parseScenario(content: unknown): Scenario {
  const parsed = scenarioSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new TypeError(`unexpected scenario: ${z.prettifyError(parsed.error)}`);
}

const concerns = (selection: z.infer<typeof robots>, robot: number): boolean =>
  selection === 'all' || selection.includes(robot);

/** The quirks of one robot; later entries of the scenario add to and replace earlier ones. */
export function quirksOf(scenario: Scenario, robot: number): Quirks {
  const own = scenario.quirks.filter((quirk) => concerns(quirk.robots, robot));
  return own.reduce<Quirks>(
    (quirks, { noiseM, biasM, sensors, deadSensor, speedFraction, camera }) => ({
      noiseM: noiseM ?? quirks.noiseM,
      biasM: biasM ?? quirks.biasM,
      sensors: sensors ?? quirks.sensors,
      speedFraction: speedFraction ?? quirks.speedFraction,
      deadSensor: deadSensor ?? quirks.deadSensor,
      ...(camera === undefined && quirks.camera === undefined
        ? {}
        : { camera: { ...noCameraQuirks, ...quirks.camera, ...camera } }),
    }),
    noQuirks,
  );
}

/** What is wrong with a robot while it lives one of its episodes. */
export interface Condition {
  readonly isOffline: boolean;
  readonly skewMs: number;
  readonly corruptsSegments: boolean;
  /** How long it hangs before the episode, milliseconds. */
  readonly hangMs: number;
  /** How often its agent dies before the episode. */
  readonly crashes: number;
  readonly isPowerCut: boolean;
  /** It begins no episode and brings in what it recorded. */
  readonly isParked: boolean;
}

export function conditionOf(scenario: Scenario, robot: number, episode: number): Condition {
  const own = scenario.faults.filter((fault) => {
    if (!concerns(fault.robots, robot)) return false;
    return 'start' in fault ? episode >= fault.start && episode < fault.end : fault.episode === episode;
  });
  const sum = (of: (fault: ScenarioFault) => number): number => own.reduce((total, fault) => total + of(fault), 0);
  return {
    isOffline: own.some(({ kind }) => kind === 'offline'),
    corruptsSegments: own.some(({ kind }) => kind === 'corruptSegment'),
    isPowerCut: own.some(({ kind }) => kind === 'powerCut'),
    isParked: own.some(({ kind }) => kind === 'parked'),
    skewMs: sum((fault) => (fault.kind === 'clockSkew' ? fault.skewMs : 0)),
    hangMs: sum((fault) => (fault.kind === 'hang' ? fault.durationMs : 0)),
    crashes: sum((fault) => (fault.kind === 'crashLoop' ? fault.crashes : 0)),
  };
}
