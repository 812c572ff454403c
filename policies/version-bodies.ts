import { z } from 'zod';

import type { RobotType } from '../datasets/robot-type.ts';

/** Name of the file of a version that says which bodies (versions of robot types) it serves, and how they are mapped. */
export const bodiesFile = 'bodies.json';

/** 64 bodies of some hundred features; far more than any version has. */
export const mostBodiesFileBytes = 8 * 1024 * 1024;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits');
const name = z.string().min(1).max(256);
const factor = z.number().refine((value) => value !== 0, 'expected a factor other than 0');

/** `value = factor · reading + offset`, in the model's units. */
const readSchema = z.strictObject({ from: name, factor, offset: z.number() });
const fillSchema = z.strictObject({ fill: z.number() });

const actionsSchema = z.discriminatedUnion('kind', [
  /** An output of the model at a time: the body's action of that meaning; null for one that the body cannot do. */
  z.strictObject({ kind: z.literal('discrete'), names: z.array(name.nullable()).min(2).max(1024) }),
  /** An action of the body at a time: the model's output that it is made from, by index, or a constant. */
  z.strictObject({
    kind: z.literal('continuous'),
    ranges: z
      .array(
        z.union([
          z.strictObject({ name, from: z.int().min(0).max(255), factor, offset: z.number() }),
          z.strictObject({ name, fill: z.number() }),
        ]),
      )
      .min(1)
      .max(256),
  }),
]);

const robotTypeSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and dashes'),
  version: z.int().min(1),
  digest: sha256,
});

const versionBodySchema = z.strictObject({
  robotType: robotTypeSchema,
  /** `proven`: enough held-out episodes of this body passed its gates. */
  standing: z.enum(['proven', 'unproven']),
  heldOutEpisodes: z.int().min(0),
  /** One an input of the model, in its order: made of a reading of the body, or constant. */
  observations: z
    .array(z.union([readSchema, fillSchema]))
    .min(1)
    .max(1024),
  actions: actionsSchema,
});

/** `bodies.json`: pinned by its digest in the manifest. A version without it serves the robot type of its manifest alone. */
export const versionBodiesSchema = z.strictObject({ bodies: z.array(versionBodySchema).min(1).max(64) });
export type VersionBodies = z.infer<typeof versionBodiesSchema>;
export type VersionBody = z.infer<typeof versionBodySchema>;
/** A body as manifests, orders and handshakes name it. */
export type BodyReference = z.infer<typeof robotTypeSchema>;

export const isSameBody = (one: BodyReference, other: BodyReference): boolean =>
  one.id === other.id && one.version === other.version && one.digest === other.digest;

/** How messages name a body: `scitos-g5@2 (0123abcd)`. */
export const bodyName = ({ id, version, digest }: BodyReference): string => `${id}@${version} (${digest.slice(0, 8)})`;

/** What a body is to a version that serves its own robot type alone: every name for itself. */
export const identityBody = (
  { observations, actions }: Pick<RobotType, 'observations' | 'actions'>,
  robotType: BodyReference,
  proven: Pick<VersionBody, 'standing' | 'heldOutEpisodes'>,
): VersionBody | undefined =>
  actions.kind === 'none'
    ? undefined
    : {
        robotType,
        ...proven,
        observations: observations.map(({ name: from }) => ({ from, factor: 1, offset: 0 })),
        actions:
          actions.kind === 'discrete'
            ? { kind: 'discrete', names: [...actions.names] }
            : {
                kind: 'continuous',
                ranges: actions.ranges.map((range, from) => ({ name: range.name, from, factor: 1, offset: 0 })),
              },
      };

/** Everything that is wrong with a document beyond its shape, as sentences; `model` is the robot type of the manifest. */
export function versionBodiesProblems({ bodies }: VersionBodies, model: BodyReference): readonly string[] {
  const own = bodies.find(({ robotType }) => isSameBody(robotType, model));
  if (own === undefined) return [`expected the model's own body ${bodyName(model)} in the list, got none`];
  const named = new Set(bodies.map(({ robotType: { id, version } }) => `${id}@${version}`));
  return [
    ...(named.size === bodies.length ? [] : ['expected every body once, got one twice']),
    ...(isIdentity(own) ? [] : [`expected ${bodyName(model)}, the model's own body, to be mapped as it is`]),
    ...bodies.flatMap((body) => bodyProblems(body, own).map((problem) => `${bodyName(body.robotType)}: ${problem}`)),
  ];
}

function isIdentity({ observations, actions }: VersionBody): boolean {
  const isRead = observations.every((each) => 'from' in each && each.factor === 1 && each.offset === 0);
  if (actions.kind === 'discrete') return isRead && actions.names.every((each) => each !== null);
  const isPlain = actions.ranges.every(
    (range, index) => 'from' in range && range.from === index && range.factor === 1 && range.offset === 0,
  );
  return isRead && isPlain;
}

function bodyProblems({ observations, actions }: VersionBody, own: VersionBody): readonly string[] {
  const problems: string[] = [];
  if (observations.length !== own.observations.length)
    problems.push(`expected ${own.observations.length} inputs as the model has, got ${observations.length}`);
  if (actions.kind !== own.actions.kind) return [...problems, `expected ${own.actions.kind} actions`];
  const names = actionNames(actions);
  if (names.length === 0) problems.push('expected at least one action that the body can do, got none');
  if (new Set(names).size < names.length) problems.push('expected every action once, got one twice');
  if (actions.kind === 'discrete') {
    const outputs = outputCount(own);
    if (actions.names.length !== outputs)
      problems.push(`expected ${outputs} outputs as the model has, got ${actions.names.length}`);
  } else {
    const outputs = outputCount(own);
    const beyond = actions.ranges.find((range) => 'from' in range && range.from >= outputs);
    if (beyond !== undefined) problems.push(`expected an output below ${outputs} for ${JSON.stringify(beyond.name)}`);
  }
  return problems;
}

const actionNames = (actions: VersionBody['actions']): readonly string[] =>
  actions.kind === 'discrete'
    ? actions.names.filter((each) => each !== null)
    : actions.ranges.map((range) => range.name);

const outputCount = ({ actions }: VersionBody): number =>
  actions.kind === 'discrete' ? actions.names.length : actions.ranges.length;

/** Inputs and outputs of the model of a sound document, whatever body runs it. */
export function modelSizesOf({ bodies }: VersionBodies, model: BodyReference) {
  const own = bodies.find(({ robotType }) => isSameBody(robotType, model));
  if (own === undefined) throw new Error(`expected the model's own body ${bodyName(model)} in the list, got none`);
  return { head: own.actions.kind, observationSize: own.observations.length, actionSize: outputCount(own) };
}
