import { camerasOf } from '../../datasets/camera.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { AbsoluteFacts } from '../gates/absolute.ts';
import { horizonOf } from '../chunks.ts';
import { imageHistoryOf } from '../image-windows.ts';
import type { PolicySizes } from '../policy-io.ts';
import type { GraphSession } from '../runtime.ts';
import { runPolicy } from '../run-policy.ts';
import { historyOf } from '../windows.ts';
import { rowsAtOnce, type Images, type SeenCamera } from '../seen-images.ts';
import type { PictureCodec } from '../picture-codec.ts';
import { randomStream } from '../random.ts';
import { drawPicture, robotImages } from './robot-images.ts';
import { describeInput, robotInputs, robotPast, type PolicyInputs } from './robot-inputs.ts';
import { answerSingle, isSameAnswer, type SingleAnswer } from './single-rows.ts';

interface Probing {
  readonly type: RobotType;
  readonly seed: number;
  readonly monotonicMs: () => number;
  readonly progress: (details: Readonly<Record<string, number>>) => void;
  readonly pictures?: PictureCodec | undefined;
}

const warmUps = 20;
/** Rows within their ranges that are asked one by one and together. */
const comparedRows = 512;
/** Rows of every kind that are asked one by one only. */
const otherRows = 512;
const repeatedRows = 200;
const timesDecoded = 21;
/** Measuring ends after so long with the samples there are; a model that slow has failed anyway. */
const latencyBudgetMs = 15_000;

export type SingleFacts = Required<Pick<AbsoluteFacts, 'singles' | 'repeats' | 'latency'>>;

/** Asks as robots do, row by row: is the answer that of the batch, is it the same twice, and how long does it take? */
export async function probeSingles(
  probing: Probing,
  session: GraphSession,
  sizes: PolicySizes,
  seen: readonly SeenCamera[],
  randomOperators: readonly string[],
): Promise<SingleFacts> {
  const { type, seed, monotonicMs, progress } = probing;
  const inRange = robotInputs(type, seed, 0, comparedRows, 'in range');
  const others = robotInputs(type, seed + 1, 0, otherRows);
  const imagesOf = robotImages(seen, seed, imageHistoryOf(session));
  const history = historyOf(session);
  const pastOf = (start: number, count: number) => robotPast(type, seed, start, count, history);
  const together = await answerTogether(session, sizes, inRange, seen, imagesOf, pastOf);
  const width = together.length / comparedRows;
  const decodingMs = await usualDecodingMs(probing, seen);
  const singles = { rows: 0, differing: 0, reason: '' };
  const repeats = { rows: 0, differing: randomOperators.length > 0 ? 1 : 0, reason: '' };
  if (randomOperators.length > 0) repeats.reason = `it draws random numbers (${randomOperators.join(', ')})`;
  const durationsMs: number[] = [];
  const startedMs = monotonicMs();
  for (let run = 0; run < warmUps + comparedRows + otherRows; run += 1) {
    const number = Math.max(0, run - warmUps);
    const source = number < comparedRows ? inRange : others;
    const row = number < comparedRows ? number : number - comparedRows;
    const observation = source.observation.subarray(row * sizes.observationSize, (row + 1) * sizes.observationSize);
    const images = seen.length === 0 ? undefined : imagesOf(row, 1);
    const past = pastOf(row, 1);
    const ask = (): Promise<SingleAnswer> =>
      answerSingle(session, sizes, { observation, task: source.task[row] ?? 0, images, past }, monotonicMs);
    const { values, durationMs: answeringMs } = await ask();
    const durationMs = answeringMs + decodingMs;
    const said = (): string => `readings ${describeInput(type, observation)}`;
    if (run >= warmUps) {
      durationsMs.push(durationMs);
      if (number < comparedRows) {
        singles.rows += 1;
        const among = together.subarray(row * width, (row + 1) * width);
        if (!isSameAnswer(values, among, type)) {
          singles.differing += 1;
          singles.reason ||= `${said()} give ${brief(values)} alone and ${brief(among)} among others`;
        }
      }
      if (number < repeatedRows) {
        repeats.rows += 1;
        const again = (await ask()).values;
        if (!values.every((value, action) => Object.is(value, again[action]))) {
          repeats.differing += 1;
          repeats.reason ||= `${said()} give ${brief(values)} and then ${brief(again)}`;
        }
      }
    }
    if (run % 50 === 0) progress({ singleRuns: run });
    if (monotonicMs() - startedMs > latencyBudgetMs) break;
  }
  return { singles, repeats, latency: latencyOf(durationsMs) };
}

/** Answers of rows that are asked together, as many at once as their images allow. */
async function answerTogether(
  session: GraphSession,
  sizes: PolicySizes,
  { observation, task }: PolicyInputs,
  seen: readonly SeenCamera[],
  imagesOf: (start: number, count: number) => Images,
  pastOf: (start: number, count: number) => Float32Array | undefined,
): Promise<Float32Array> {
  const most = rowsAtOnce(seen, task.length, imageHistoryOf(session));
  const width = sizes.actionSize * horizonOf(session);
  const answers = new Float32Array(task.length * width);
  for (let start = 0; start < task.length; start += most) {
    const end = Math.min(task.length, start + most);
    const readings = observation.subarray(start * sizes.observationSize, end * sizes.observationSize);
    const rows = end - start;
    const images = imagesOf(start, rows);
    const part = await runPolicy(session, sizes, readings, task.subarray(start, end), images, pastOf(start, rows));
    answers.set(part, start * width);
  }
  return answers;
}

/**
 * How long it usually takes (median) to decode and scale one image of each camera as it is recorded: a robot does it before each decision.
 * The work is the same each time; what differs is how busy this machine is.
 */
async function usualDecodingMs(
  { type, seed, pictures, monotonicMs }: Probing,
  seen: readonly SeenCamera[],
): Promise<number> {
  if (seen.length === 0) return 0;
  if (pictures === undefined) throw new Error('expected what decodes images, for a model that sees, got none');
  const recorded = await Promise.all(
    seen.map(async (camera) => {
      const { width, height } = camerasOf(type).find(({ name }) => name === camera.name) ?? camera;
      const random = randomStream(seed, `recorded image of ${camera.name}`);
      const rgb = drawPicture({ name: camera.name, width, height }, 'drawn', random);
      return { camera, jpeg: await pictures.encoded(rgb, width, height) };
    }),
  );
  const durationsMs: number[] = [];
  for (let time = 0; time < timesDecoded; time += 1) {
    const startedMs = monotonicMs();
    await Promise.all(recorded.map(({ camera, jpeg }) => pictures.scaled(jpeg, camera.width, camera.height)));
    durationsMs.push(monotonicMs() - startedMs);
  }
  return durationsMs.toSorted((a, b) => a - b)[Math.floor(timesDecoded / 2)] ?? Number.POSITIVE_INFINITY;
}

/** 99th percentile by nearest rank, and the slowest of all. */
function latencyOf(durationsMs: number[]): SingleFacts['latency'] {
  durationsMs.sort((a, b) => a - b);
  const p99Ms = durationsMs[Math.ceil(0.99 * durationsMs.length) - 1] ?? Infinity;
  return { samples: durationsMs.length, p99Ms, slowestMs: durationsMs.at(-1) ?? Infinity };
}

const brief = (values: Float32Array): string =>
  `${[...values.subarray(0, 4)].map((value) => Number(value.toPrecision(4))).join(', ')}${values.length > 4 ? ', …' : ''}`;
