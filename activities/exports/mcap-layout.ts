import type { RobotType } from '../../datasets/robot-type.ts';

/** The topic of the frames: one message says all of its frame, so that episodes of several robots may take turns. */
export const framesTopic = '/frame';

const numbers = (features: readonly { readonly name: string; readonly unit: string }[]): object => ({
  type: 'array',
  description: features.map(({ name, unit }, index) => `[${index}] ${name} (${unit})`).join(', '),
  items: { type: 'number' },
});

/** The JSON schema of a frame; it names what stands at which place of a list. */
export function frameSchema({ observations, actions }: RobotType): object {
  const text = { type: ['string', 'null'] };
  const action = actions.kind === 'continuous' ? numbers(actions.ranges) : text;
  const names = ['episode_id', 'robot_id', 'site', 'task', 'policy_version', 'outcome', 'failure_reason', 'split'];
  return {
    type: 'object',
    properties: {
      ...Object.fromEntries(names.map((name) => [name, text])),
      frame_index: { type: 'integer' },
      intervened: { type: 'boolean' },
      is_correction: { type: 'boolean' },
      observation: numbers(observations),
      action,
      expert_action: actions.kind === 'continuous' ? { ...action, type: ['array', 'null'] } : text,
    },
  };
}

/** The map with which `import mcap` reads the episodes back, under the same ids. */
export function mcapImportMap({ id, observations, actions }: RobotType): object {
  const column = (name: string): string => `${framesTopic}.${name}`;
  const values = (features: readonly { readonly name: string }[], list: string): readonly object[] =>
    features.map(({ name }, index) => ({ name, column: column(`${list}[${index}]`) }));
  return {
    source: id,
    site: { column: column('site') },
    robot: { column: column('robot_id') },
    task: { column: column('task') },
    time: { kind: 'log' },
    mcap: { frames: { topic: framesTopic }, maxAgeS: 1 },
    episodes: { by: { kind: 'column', column: column('episode_id') }, idColumn: column('episode_id') },
    observations: values(observations, 'observation'),
    actions:
      actions.kind === 'continuous'
        ? { kind: 'continuous', ranges: values(actions.ranges, 'action') }
        : actions.kind === 'discrete'
          ? { kind: 'discrete', column: column('action') }
          : { kind: 'none' },
    success: { kind: 'said', outcome: column('outcome'), reason: column('failure_reason') },
  };
}
