import { sqlText } from '../../../datasets/sql-types.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import { startUs, transaction } from '../lake/lake-fixture.ts';
import { robotType, type MixFixture } from './mix-fixture.ts';

const feature = (name: string, more: object = {}) => ({ name, unit: 'm', min: -1e6, max: 1e6, ...more });
const version = (number: number, features: readonly string[], names: readonly string[], follows?: object): RobotType =>
  robotTypeSchema.parse({
    ...robotType,
    version: number,
    observations: features.map((name) => feature(name)),
    actions: { kind: 'discrete', names },
    ...(follows === undefined ? {} : { follows }),
  });

/** Five bodies of one robot; the policy is trained for the third. Names are as hostile as a document may have them. */
export const bodies: readonly RobotType[] = [
  version(1, ["o'clock", '__proto__', 'old'], ['stop', 'go', 'turn', 'wave']),
  version(2, ['speed', 'a"b', 'bumper'], ['go', 'stop', 'spin'], {
    version: 1,
    observations: [
      { name: 'a"b', is: 'renamed', from: "o'clock" },
      { name: 'speed', is: 'scaled', from: '__proto__', factor: 0.1, offset: -3.7 },
      { name: 'bumper', is: 'new', fill: 0.3 },
    ],
    gone: ['old'],
    actions: [{ name: 'spin', is: 'renamed', from: 'turn' }],
    goneActions: ['wave'],
  }),
  version(3, ['bumper', 'ring', 'speed', 'tilt'], ['spin', 'stop', 'go', 'jump'], {
    version: 2,
    observations: [
      { name: 'ring', is: 'scaled', from: 'a"b', factor: -1e9 },
      { name: 'tilt', is: 'new', fill: -1.1 },
    ],
    actions: [{ name: 'jump', is: 'new' }],
  }),
  version(4, ['speed', 'ring', 'nose'], ['stop', 'go', 'spin', 'jump', 'fly'], {
    version: 3,
    observations: [
      { name: 'speed', is: 'scaled', factor: 7, offset: 0.01 },
      { name: 'nose', is: 'new', fill: 0 },
    ],
    gone: [
      { name: 'bumper', fill: 0.7 },
      { name: 'tilt', fill: 3 },
    ],
    actions: [{ name: 'fly', is: 'new' }],
  }),
  version(5, ['alone', 'x'], ['stop', 'go']),
];
export const model = bodies[2] as RobotType;

export interface BodyEpisode {
  readonly number: number;
  readonly version: number;
  readonly split?: 'train' | 'heldout';
  readonly outcome?: 'success' | 'failure';
  readonly frames: readonly {
    readonly observation: readonly number[];
    readonly action: number;
    readonly expert?: number;
  }[];
}

const listSql = (values: readonly number[]): string =>
  `[${values.map((value) => `CAST('${value}' AS DOUBLE)`).join(', ')}]::FLOAT[]`;

/** Appends episodes with the very frames. */
export async function storeFrames(
  fixture: MixFixture,
  commit: number,
  episodes: readonly BodyEpisode[],
  id = 'test-robot',
): Promise<void> {
  const at = `make_timestamptz(${startUs})`;
  const frames = episodes.flatMap(({ number, frames: own }) =>
    own.map(
      ({ observation, action, expert }, index) =>
        `(${sqlText(`E${number}`)}, ${index}::INTEGER, ${at} + to_microseconds(${index} * 100000), ${listSql(observation)}, ${listSql([action])}, ${expert === undefined ? 'NULL::FLOAT[]' : listSql([expert])}, ${expert !== undefined}, DATE '2026-11-22')`,
    ),
  );
  const rows = episodes.map(
    ({ number, version: of, split = 'train', outcome = 'success', frames: { length } }) =>
      `(${sqlText(`E${number}`)}, 'r${of}', ${sqlText(id)}, ${of}::INTEGER, 'site', 'follow', NULL, ${at}, ${length * 100}::BIGINT, ${sqlText(outcome)}, NULL, false, NULL, NULL, ${length}::INTEGER, NULL, ${at}, ${sqlText(split)}, DATE '2026-11-22')`,
  );
  const frameColumns =
    'episode_id, frame_index, timestamp, observation, "action", expert_action, is_correction, recorded_on';
  const episodeColumns =
    'episode_id, robot_id, robot_type, robot_type_version, site, task, policy_version, started_at, duration_ms, outcome, failure_reason, intervened, latency_p50_ms, latency_p95_ms, frame_count, media, received_at, split, recorded_on';
  const of = (values: readonly string[], columns: string): string =>
    `(SELECT * FROM (VALUES ${values.join(', ')}) AS v(${columns}))`;
  await fixture.lake.append(fixture.session, 'frames', of(frames, frameColumns), transaction(commit), 'WRITE');
  await fixture.lake.append(fixture.session, 'episodes', of(rows, episodeColumns), transaction(commit), 'WRITE');
}

/**
 * What a frame of a body reads as for the model, by the documents alone: one rule after the other, in the words of the documentation. Undefined: its action is
 * none of the model's.
 */
export function readByHand(
  from: number,
  observation: readonly number[],
  action: number,
): { readonly values: readonly number[]; readonly label: number } | undefined {
  const type = bodies[from - 1] as RobotType;
  let values = new Map(type.observations.map(({ name }, index) => [name, Math.fround(observation[index] as number)]));
  let chosen = type.actions.kind === 'discrete' ? type.actions.names[action] : undefined;
  for (let at = from; at < 3; at += 1) {
    const next = bodies[at] as RobotType;
    const rules = next.follows?.observations ?? [];
    const before = values;
    values = new Map(
      next.observations.map(({ name }) => {
        const rule = rules.find((one) => one.name === name);
        if (rule?.is === 'new') return [name, rule.fill];
        const value = before.get(rule === undefined ? name : (rule.from ?? name)) as number;
        return [name, rule?.is === 'scaled' ? value * rule.factor + (rule.offset ?? 0) : value];
      }),
    );
    if (next.follows?.goneActions?.includes(chosen as string)) return undefined;
    chosen = next.follows?.actions?.find((rule) => rule.is === 'renamed' && rule.from === chosen)?.name ?? chosen;
  }
  if (from === 4) {
    const { follows } = type;
    values = new Map([
      ['speed', (values.get('speed') as number) / 7 - 0.01 / 7],
      ['ring', values.get('ring') as number],
      ...(follows?.gone ?? []).map((gone): [string, number] =>
        typeof gone === 'string' ? [gone, Number.NaN] : [gone.name, gone.fill],
      ),
    ]);
    if (chosen === 'fly') return undefined;
  }
  const names = model.actions.kind === 'discrete' ? model.actions.names : [];
  const clamped = (value: number): number =>
    Math.fround(Math.min(3.4028234663852886e38, Math.max(-3.4028234663852886e38, value)));
  return {
    values: model.observations.map(({ name }) => clamped(values.get(name) as number)),
    label: names.indexOf(chosen as string),
  };
}
