import { bodyMap } from '../datasets/bodies/body-map.ts';
import { robotTypeDigest } from '../datasets/robot-type-digest.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import { versionBodiesSchema, type VersionBody } from './version-bodies.ts';

/**
 * How robots of the type `body` run a model that was made for the type `model`, by the rules of the versions between them (`chain`: all
 * that are known); or why they cannot, as a sentence.
 */
export function followBody(
  { model, body, chain }: { readonly model: RobotType; readonly body: RobotType; readonly chain: readonly RobotType[] },
  proven: Pick<VersionBody, 'standing' | 'heldOutEpisodes'>,
): VersionBody | string {
  const inputs = bodyMap({ from: body, to: model, chain });
  if (inputs.kind === 'refusal') return inputs.reason;
  const answers = bodyMap({ from: model, to: body, chain });
  if (answers.kind === 'refusal') return answers.reason;
  const actions = actionsOf(answers.actions, model);
  if (typeof actions === 'string') return actions;
  const { id, version } = body;
  const robotType = { id, version, digest: robotTypeDigest(body) };
  const mapped = { robotType, ...proven, observations: [...inputs.observations], actions };
  const parsed = versionBodiesSchema.shape.bodies.element.safeParse(mapped);
  return parsed.success
    ? parsed.data
    : `expected a map that a version can hold: ${parsed.error.issues[0]?.message ?? ''}`;
}

function actionsOf(
  actions: Exclude<ReturnType<typeof bodyMap>, { kind: 'refusal' }>['actions'],
  model: RobotType,
): VersionBody['actions'] | string {
  switch (actions.kind) {
    case 'none':
      return `${model.id} has no actions to decide`;
    case 'discrete':
      return { kind: 'discrete', names: [...actions.names] };
    case 'continuous': {
      const outputs = model.actions.kind === 'continuous' ? model.actions.ranges.map(({ name }) => name) : [];
      return {
        kind: 'continuous',
        ranges: actions.ranges.map((range) =>
          'fill' in range
            ? { name: range.name, fill: range.fill }
            : { name: range.name, from: outputs.indexOf(range.from), factor: range.factor, offset: range.offset },
        ),
      };
    }
    default:
      return actions satisfies never;
  }
}
