import type { BodyMap, MappedValue } from '../../datasets/bodies/body-map.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { policyOutput, policyPorts, policySizes, type PolicySizes } from '../policy-io.ts';
import { float32Tensor, type GraphSession, type Tensors } from '../runtime.ts';

/** How a model of one body is asked about rows of another. */
export interface ForeignBody {
  /** The model's own robot type. */
  readonly type: RobotType;
  /** Its readings, from those of the rows. */
  readonly observations: readonly MappedValue[];
  /** Its answers, as the rows' robot type has them. */
  readonly actions: BodyMap['actions'];
}

/** Sizes of a model of another body, for the tasks that it knows; it sees the cameras of the rows' robot type, as they are there. */
export function foreignSizes(
  { type }: ForeignBody,
  { cameras }: Pick<PolicySizes, 'cameras'>,
  taskCount: number,
): PolicySizes | undefined {
  const sizes = policySizes(type);
  if (sizes === undefined) return undefined;
  const { cameras: _, ...own } = sizes;
  return { ...own, taskCount, ...(cameras === undefined ? {} : { cameras }) };
}

/**
 * A model of another body as one of the rows' own: readings and answers are mapped on the way, as on a robot. An action that the
 * model does not know has probability 0, what it knows beyond the rows' is dropped and the rest adds up to 1 again.
 */
export function mappedSession(session: GraphSession, body: ForeignBody, rowsType: RobotType): GraphSession {
  const places = new Map(rowsType.observations.map(({ name }, index) => [name, index]));
  const width = rowsType.observations.length;
  const answer = answerOf(body, rowsType);
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    close: () => session.close(),
    run: async (feeds) => {
      const given = feeds[policyPorts.observation];
      if (!(given?.data instanceof Float32Array)) throw new Error('expected readings as 32-bit floats');
      const [rows = 0] = given.shape;
      // With history a row has several frames, each mapped alike.
      const mapped = mapRows(given.data, given.data.length / width, width, body.observations, places);
      const shape = [...given.shape.slice(0, -1), body.observations.length];
      const asked: Tensors = { ...feeds, [policyPorts.observation]: float32Tensor(mapped, shape) };
      return { ...(await answeredBy(session, asked, answer, rows)) };
    },
  };
}

function mapRows(
  from: Float32Array,
  rows: number,
  width: number,
  values: readonly MappedValue[],
  places: ReadonlyMap<string, number>,
): Float32Array {
  const mapped = new Float32Array(rows * values.length);
  for (const [column, value] of values.entries()) {
    const place = 'fill' in value ? -1 : (places.get(value.from) ?? -1);
    for (let row = 0; row < rows; row += 1)
      mapped[row * values.length + column] =
        'fill' in value ? value.fill : value.factor * (from[row * width + place] ?? Number.NaN) + value.offset;
  }
  return mapped;
}

type Answer = (values: Float32Array) => Float32Array;

async function answeredBy(session: GraphSession, feeds: Tensors, answer: Answer, rows: number): Promise<Tensors> {
  const given = await session.run(feeds);
  const mapped: Record<string, Tensors[string]> = Object.create(null) as Record<string, Tensors[string]>;
  for (const [name, tensor] of Object.entries(given)) {
    if (name !== policyOutput('discrete') && name !== policyOutput('continuous')) continue;
    const { data } = tensor;
    if (!(data instanceof Float32Array)) throw new Error(`expected ${name} as 32-bit floats`);
    // The actions of a chunk are mapped one by one.
    const steps = tensor.shape.length === 3 ? Number(tensor.shape[1]) : 1;
    const width = data.length / rows / steps;
    const parts = Array.from({ length: rows * steps }, (_, at) => answer(data.subarray(at * width, (at + 1) * width)));
    const size = parts[0]?.length ?? 0;
    const all = new Float32Array(parts.length * size);
    for (const [at, part] of parts.entries()) all.set(part, at * size);
    mapped[name] = float32Tensor(all, tensor.shape.length === 3 ? [rows, steps, size] : [rows, size]);
  }
  return mapped;
}

function answerOf({ type, actions }: ForeignBody, rowsType: RobotType): Answer {
  if (actions.kind === 'discrete' && rowsType.actions.kind === 'discrete') {
    const places = new Map(rowsType.actions.names.map((name, index) => [name, index]));
    const target = actions.names.map((name) => (name === null ? undefined : places.get(name)));
    const size = rowsType.actions.names.length;
    return (values) => {
      const mapped = new Float32Array(size);
      for (const [index, place] of target.entries()) if (place !== undefined) mapped[place] = values[index] ?? 0;
      const sum = mapped.reduce((total, value) => total + value, 0);
      return sum > 0 ? mapped.map((value) => value / sum) : mapped;
    };
  }
  if (actions.kind === 'continuous' && type.actions.kind === 'continuous') {
    const places = new Map(type.actions.ranges.map(({ name }, index) => [name, index]));
    const { ranges } = actions;
    return (values) =>
      Float32Array.from(ranges, (range) =>
        'fill' in range
          ? range.fill
          : range.factor * (values[places.get(range.from) ?? -1] ?? Number.NaN) + range.offset,
      );
  }
  return (values) => values;
}
