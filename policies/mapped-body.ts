import { actionMap, observationMap } from '../datasets/bodies/body-map.ts';
import { robotTypeDigest } from '../datasets/robot-type-digest.ts';
import { robotTypeName, type RobotType } from '../datasets/robot-type.ts';
import { identityBody, versionBodiesSchema, type VersionBody } from './version-bodies.ts';

export interface MappedBodyInput {
  /** Robot type of the model. */
  readonly model: RobotType;
  /** Body of the robots. */
  readonly body: RobotType;
  /** Versions of the robot type that are known. */
  readonly chain: readonly RobotType[];
  readonly proven: Pick<VersionBody, 'standing' | 'heldOutEpisodes'>;
}

/**
 * How robots of a body are served by a model of another: its readings become the model's, the model's answers its actions. A sentence
 * where they cannot be.
 */
export function mappedBody({ model, body, chain, proven }: MappedBodyInput): VersionBody | string {
  const robotType = { id: body.id, version: body.version, digest: robotTypeDigest(body) };
  const without = `${robotTypeName(model)} has no actions to decide`;
  if (body.version === model.version) return identityBody(model, robotType, proven) ?? without;
  const observations = observationMap({ from: body, to: model, chain });
  if ('reason' in observations) return observations.reason;
  const answers = actionMap({ from: model, to: body, chain });
  if ('reason' in answers) return answers.reason;
  if (answers.kind === 'none') return without;
  const actions = answers.kind === 'discrete' ? answers : { kind: answers.kind, ranges: outputsOf(answers, model) };
  const mapped = versionBodiesSchema.shape.bodies.element.safeParse({ robotType, ...proven, observations, actions });
  return mapped.success
    ? mapped.data
    : `expected a map that a version can hold: ${mapped.error.issues[0]?.message ?? ''}`;
}

type Continuous = Extract<ReturnType<typeof actionMap>, { kind: 'continuous' }>;

/** The model's outputs by their index in place of their names. */
function outputsOf({ ranges }: Continuous, model: RobotType): readonly object[] {
  const names = model.actions.kind === 'continuous' ? model.actions.ranges.map(({ name }) => name) : [];
  return ranges.map((range) => ('fill' in range ? range : { ...range, from: names.indexOf(range.from) }));
}
