import type { RobotType } from '../../datasets/robot-type.ts';
import { leastInputsTried, type AbsoluteFacts } from '../gates/absolute.ts';
import { horizonOf } from '../chunks.ts';
import { imageHistoryOf } from '../image-windows.ts';
import { checkModelFile, loadProblem } from '../onnx/file-problems.ts';
import { randomNodes, readingDependence } from '../onnx/reading-dependence.ts';
import { ioProblems, policyOutput, policySizes, type PolicySizes } from '../policy-io.ts';
import type { GraphRuntime, GraphSession } from '../runtime.ts';
import type { PictureCodec } from '../picture-codec.ts';
import { runPolicy } from '../run-policy.ts';
import { historyOf } from '../windows.ts';
import { rowsAtOnce, seenBy, type Images, type SeenCamera } from '../seen-images.ts';
import { describeImages, robotImages } from './robot-images.ts';
import { describeInput, inputKind, robotInputs, robotPast, type PolicyInputs } from './robot-inputs.ts';
import { probeSingles } from './probe-singles.ts';

export interface ProbeInput {
  readonly runtime: GraphRuntime;
  readonly model: Uint8Array;
  readonly type: RobotType;
  /** Of the inputs that are tried. A model must not know it beforehand. */
  readonly seed: number;
  readonly monotonicMs: () => number;
  /** Called between runs; may throw to stop. */
  readonly progress: (details: Readonly<Record<string, number>>) => void;
  /** Decodes what a camera records, as a robot does before each decision; only models that see need one. */
  readonly pictures?: PictureCodec | undefined;
}

const mostRowsAtOnce = 500;
/** A sum of probabilities may be off by so much: half and eight-bit models round. */
const sumTolerance = 0.01;

/** Finds out everything about a model that needs no data. Never throws for what the model does; a part that fails ends the probe. */
export async function probeModel(input: ProbeInput): Promise<AbsoluteFacts> {
  const sizes = policySizes(input.type);
  const sizeBytes = input.model.length;
  if (sizeBytes > input.type.limits.maxModelSizeBytes) return { sizeBytes };
  const refuse = (reason: string): AbsoluteFacts => ({ sizeBytes, load: { isLoaded: false, reason } });
  if (sizes === undefined) return refuse('the robot type has no actions');
  const file = checkModelFile(input.model);
  if (file.kind === 'refused') return refuse(file.reason);
  const session = await openModel(input);
  if (session instanceof Error) return refuse(loadProblem(input.model, session.message));
  try {
    const load = { isLoaded: true, reason: '' };
    const problems = ioProblems(session, sizes);
    const output = policyOutput(sizes.head);
    const extraOutputs = session.outputs.map(({ name }) => name).filter((name) => name !== output);
    const dependence = readingDependence(file.structure);
    const looked = {
      sizeBytes,
      seed: input.seed,
      load,
      ioProblems: problems,
      extraOutputs,
      readingDependence: dependence,
    };
    if (problems.length + extraOutputs.length + dependence.length > 0) return looked;
    const seen = seenBy(session, sizes.cameras);
    const cameras = seen.length === 0 ? {} : { cameras: seen.map(({ name }) => name) };
    const { outputs, sums } = await tryInputs(input, session, sizes, seen);
    const history = historyOf(session);
    const horizon = horizonOf(session);
    const imageHistory = imageHistoryOf(session);
    const reads = {
      ...(history === 1 ? {} : { history }),
      ...(horizon === 1 ? {} : { horizon }),
      ...(imageHistory === 1 ? {} : { imageHistory }),
    };
    const tried = { ...looked, ...cameras, ...reads, outputs, ...(sums === undefined ? {} : { sums }) };
    if (outputs.badInputs > 0) return tried;
    return { ...tried, ...(await probeSingles(input, session, sizes, seen, randomNodes(file.structure))) };
  } finally {
    await session.close();
  }
}

async function openModel({ runtime, model }: ProbeInput): Promise<GraphSession | Error> {
  try {
    return await runtime.open(model);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

type Outputs = Required<Pick<AbsoluteFacts, 'outputs'>> & Pick<AbsoluteFacts, 'sums'>;

async function tryInputs(
  { type, seed, progress }: ProbeInput,
  session: GraphSession,
  sizes: PolicySizes,
  seen: readonly SeenCamera[],
): Promise<Outputs> {
  const outputs = { inputsTried: 0, badInputs: 0, reason: '' };
  const sums = sizes.head === 'discrete' ? { rows: 0, badRows: 0, reason: '' } : undefined;
  const wanted = leastInputsTried(seen.length > 0);
  const images = imageHistoryOf(session);
  const most = rowsAtOnce(seen, mostRowsAtOnce, images);
  const imagesOf = robotImages(seen, seed, images);
  const history = historyOf(session);
  while (outputs.inputsTried < wanted) {
    const start = outputs.inputsTried;
    const rows = Math.min(most, wanted - start);
    const { observation, task } = robotInputs(type, seed, start, rows);
    const past = robotPast(type, seed, start, rows, history);
    const answers = await runOrError(session, sizes, { observation, task, images: imagesOf(start, rows), past });
    outputs.inputsTried += rows;
    progress({ inputsTried: outputs.inputsTried });
    if (answers instanceof Error) {
      outputs.badInputs += rows;
      outputs.reason ||= `it fails on inputs ${start} to ${start + rows}: ${answers.message}`;
      break;
    }
    for (let row = 0; row < rows; row += 1) {
      const width = answers.length / rows;
      const answer = answers.subarray(row * width, (row + 1) * width);
      const said = (): string => {
        const readings = observation.subarray(row * sizes.observationSize, (row + 1) * sizes.observationSize);
        const images = seen.length === 0 ? '' : `; images: ${describeImages(seen, start + row)}`;
        return `input ${start + row} (readings ${inputKind(start + row)}: ${describeInput(type, readings)}${images})`;
      };
      if (!answer.every(Number.isFinite)) {
        outputs.badInputs += 1;
        outputs.reason ||= `${said()} gives a number that is not finite`;
      } else if (sums !== undefined) {
        sums.rows += 1;
        if (areProbabilities(answer, sizes.actionSize)) continue;
        sums.badRows += 1;
        sums.reason ||= `${said()} gives ${[...answer.subarray(0, 4)].map((value) => Number(value.toPrecision(4))).join(', ')}${answer.length > 4 ? ', …' : ''}`;
      }
    }
  }
  return { outputs, ...(sums === undefined ? {} : { sums }) };
}

/** Of each step of a chunk. */
function areProbabilities(values: Float32Array, size: number): boolean {
  for (let start = 0; start < values.length; start += size) {
    const sum = values.subarray(start, start + size).reduce((total, value) => total + value, 0);
    if (!(Math.abs(sum - 1) <= sumTolerance)) return false;
  }
  return values.every((value) => value >= -sumTolerance);
}

async function runOrError(
  session: GraphSession,
  sizes: PolicySizes,
  {
    observation,
    task,
    images,
    past,
  }: PolicyInputs & { readonly images: Images; readonly past: Float32Array | undefined },
): Promise<Float32Array | Error> {
  try {
    return await runPolicy(session, sizes, observation, task, images, past);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
