import { actionMap, observationMap, type BodyRefusal } from '../datasets/bodies/body-map.ts';
import { robotTypeDigest } from '../datasets/robot-type-digest.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import { identityBody, type VersionBody } from './version-bodies.ts';

export interface MappedBodyInput {
  /** Robot type of the model. */
  readonly model: RobotType;
  /** Body of the robots. */
  readonly body: RobotType;
  /** Versions of the robot type that are known. */
  readonly chain: readonly RobotType[];
  readonly proven: Pick<VersionBody, 'standing' | 'heldOutEpisodes'>;
}

/** How robots of a body are served by a model of another: its readings become the model's, the model's answers its actions. Undefined without actions. */
export function mappedBody({ model, body, chain, proven }: MappedBodyInput): VersionBody | BodyRefusal | undefined {
  const robotType = { id: body.id, version: body.version, digest: robotTypeDigest(body) };
  if (body.version === model.version) return identityBody(model, robotType, proven);
  const observations = observationMap({ from: body, to: model, chain });
  if ('reason' in observations) return observations;
  const actions = actionMap({ from: model, to: body, chain });
  if ('reason' in actions) return actions;
  if (actions.kind === 'none') return undefined;
  const mapped = { robotType, ...proven, observations: [...observations] };
  if (actions.kind === 'discrete') return { ...mapped, actions: { kind: 'discrete', names: [...actions.names] } };
  const outputs = new Map(
    model.actions.kind === 'continuous' ? model.actions.ranges.map(({ name }, index) => [name, index]) : [],
  );
  const ranges = actions.ranges.map((range) =>
    'fill' in range ? range : { ...range, from: outputs.get(range.from) ?? 0 },
  );
  return { ...mapped, actions: { kind: 'continuous', ranges } };
}
