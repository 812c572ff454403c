import type { RobotType } from '../../datasets/robot-type.ts';
import { measured, unmeasured, type GateResult } from './gate.ts';

/** Rows that were looked at one by one, and those that were not as they must be; `reason` tells of the first. */
export interface RowFacts {
  readonly rows: number;
  readonly differing: number;
  readonly reason: string;
}

/** What was found out about a model file on its own. Parts that could not be reached are undefined. */
export interface AbsoluteFacts {
  readonly sizeBytes: number;
  /** Of the inputs that were tried. */
  readonly seed?: number;
  /** Undefined when the file was too large to be loaded at all. */
  readonly load?: { readonly isLoaded: boolean; readonly reason: string };
  /** What does not fit the robot type, as sentences; empty when all fits. */
  readonly ioProblems?: readonly string[];
  /** Outputs beside the one that is asked for. */
  readonly extraOutputs?: readonly string[];
  /** Cameras whose images it takes, by name; not there for a model of readings alone. */
  readonly cameras?: readonly string[];
  /** Frames that it reads at once; not there for the present alone. */
  readonly history?: number;
  /** Actions that it answers at once; not there for the present one alone. */
  readonly horizon?: number;
  /** Images of a camera that it sees at once; not there for the present ones alone. */
  readonly imageHistory?: number;
  /** Where the work depends on what is read, as sentences. */
  readonly readingDependence?: readonly string[];
  readonly outputs?: { readonly inputsTried: number; readonly badInputs: number; readonly reason: string };
  /** Rows whose probabilities do not sum to one; discrete actions only. */
  readonly sums?: { readonly rows: number; readonly badRows: number; readonly reason: string };
  /** Rows answered alone otherwise than among others. */
  readonly singles?: RowFacts;
  /** Rows answered twice, not alike. */
  readonly repeats?: RowFacts;
  readonly latency?: { readonly samples: number; readonly p99Ms: number; readonly slowestMs: number };
}

type JudgedType = Pick<RobotType, 'limits' | 'actions'>;

const leastInputs = 10_000;
/** Of a model that sees: an answer costs it a hundred times the work. */
const leastSeeingInputs = 1000;
/** Inputs that a model must answer with finite numbers. */
export const leastInputsTried = (sees: boolean): number => (sees ? leastSeeingInputs : leastInputs);
export const maxLatencyMs = 200;
export const leastLatencySamples = 100;
/** No single decision may take longer, on any input. */
export const maxSlowestMs = 1000;
/** So many rows of a hundred may be answered otherwise alone: eight-bit models round by batch. */
export const maxDifferingFraction = 0.01;
export const leastSingleRows = 100;

/** What any model must be able to do before it comes near a robot, alone, without data. */
export const absoluteGates = (facts: AbsoluteFacts, { limits, actions }: JudgedType): readonly GateResult[] => [
  size(facts, limits),
  loads(facts),
  sentences('model.io', facts.ioProblems, 'inputs and outputs are those of the robot type'),
  sentences('model.outputs', facts.extraOutputs && extraOutputs(facts.extraOutputs), 'no output but the one asked for'),
  sentences('model.bounded', facts.readingDependence, 'its work does not depend on what it reads'),
  finite(facts),
  ...(actions.kind === 'continuous' ? [] : [probabilities(facts)]),
  singleRows(facts),
  repeatable(facts),
  latency(facts),
];

const size = ({ sizeBytes }: AbsoluteFacts, { maxModelSizeBytes }: RobotType['limits']): GateResult =>
  measured({
    id: 'model.size',
    value: sizeBytes,
    limit: maxModelSizeBytes,
    unit: 'bytes',
    sampleSize: 1,
    passes: sizeBytes <= maxModelSizeBytes,
    sentence: `the model has ${sizeBytes} bytes, at most ${maxModelSizeBytes} are allowed`,
  });

function loads({ load }: AbsoluteFacts): GateResult {
  if (load === undefined) return unmeasured('model.loads', 'models', 1, 'not loaded, because it is too large');
  return measured({
    id: 'model.loads',
    value: load.isLoaded ? 1 : 0,
    limit: 1,
    unit: 'models',
    sampleSize: 1,
    passes: load.isLoaded,
    sentence: load.isLoaded ? 'the runtime loads the model' : `the runtime does not load the model: ${load.reason}`,
  });
}

const extraOutputs = (names: readonly string[]): readonly string[] =>
  names.length === 0
    ? []
    : [
        `expected one output, got also ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}; export the policy without them, or name the one that is meant by --map-ports, which drops the others`,
      ];

function sentences(id: string, problems: readonly string[] | undefined, good: string): GateResult {
  if (problems === undefined) return unmeasured(id, 'problems', 0, 'not looked at, because it does not load');
  return measured({
    id,
    value: problems.length,
    limit: 0,
    unit: 'problems',
    sampleSize: 1,
    passes: problems.length === 0,
    sentence: problems.length === 0 ? good : problems.join('; '),
  });
}

const remedy = 'clip readings to the range of training inside the model (torch.clamp)';

function finite({ outputs, seed, cameras }: AbsoluteFacts): GateResult {
  if (outputs === undefined) return unmeasured('model.finite', 'inputs', 0, 'not tried, because it does not fit');
  const least = leastInputsTried(cameras !== undefined);
  const passes = outputs.badInputs === 0 && outputs.inputsTried >= least;
  const withImages = cameras === undefined ? '' : ` with images of ${cameras.join(', ')}`;
  const tried = `${outputs.inputsTried} inputs that a robot may send${withImages} (seed ${seed ?? 'unknown'})`;
  return measured({
    id: 'model.finite',
    value: outputs.badInputs,
    limit: 0,
    unit: 'inputs',
    sampleSize: outputs.inputsTried,
    passes,
    sentence: passes
      ? `finite outputs on ${tried}`
      : `${outputs.badInputs} bad of ${tried}, ${least} good ones are needed: ${outputs.reason}; ${remedy}`,
  });
}

function probabilities({ sums }: AbsoluteFacts): GateResult {
  const id = 'model.probabilities';
  if (sums === undefined) return unmeasured(id, 'inputs', 0, 'not tried, because it does not fit');
  const passes = sums.badRows === 0 && sums.rows > 0;
  return measured({
    id,
    value: sums.badRows,
    limit: 0,
    unit: 'inputs',
    sampleSize: sums.rows,
    passes,
    sentence: passes
      ? `the probabilities of each of ${sums.rows} inputs sum to one`
      : `${sums.badRows} of ${sums.rows} answers are no probabilities that sum to one: ${sums.reason}; end the model with a softmax`,
  });
}

function singleRows({ singles }: AbsoluteFacts): GateResult {
  const id = 'model.single-rows';
  if (singles === undefined)
    return unmeasured(id, 'fraction', maxDifferingFraction, 'not tried, because it does not run');
  const value = singles.differing / singles.rows;
  const passes = value <= maxDifferingFraction && singles.rows >= leastSingleRows;
  return measured({
    id,
    value,
    limit: maxDifferingFraction,
    unit: 'fraction',
    sampleSize: singles.rows,
    passes,
    sentence: passes
      ? `answers a row alone as among others, ${singles.rows} rows`
      : `${singles.differing} of ${singles.rows} rows are answered otherwise alone, as robots ask: ${singles.reason || `at least ${leastSingleRows} are needed`}; export the model in evaluation mode (model.eval())`,
  });
}

function repeatable({ repeats }: AbsoluteFacts): GateResult {
  const id = 'model.repeatable';
  if (repeats === undefined) return unmeasured(id, 'inputs', 0, 'not tried, because it does not run');
  const passes = repeats.differing === 0 && repeats.rows > 0;
  return measured({
    id,
    value: repeats.differing,
    limit: 0,
    unit: 'inputs',
    sampleSize: repeats.rows,
    passes,
    sentence: passes
      ? `gives the same answer twice, ${repeats.rows} rows`
      : `expected the same answer twice: ${repeats.reason || 'nothing was asked twice'}; give probabilities and let the agent choose, export in evaluation mode`,
  });
}

function latency({ latency: facts }: AbsoluteFacts): GateResult {
  if (facts === undefined)
    return unmeasured('model.latency', 'ms', maxLatencyMs, 'not measured, because it does not run');
  const { samples, p99Ms, slowestMs } = facts;
  return measured({
    id: 'model.latency',
    value: p99Ms,
    limit: maxLatencyMs,
    unit: 'ms',
    sampleSize: samples,
    passes: p99Ms < maxLatencyMs && slowestMs < maxSlowestMs && samples >= leastLatencySamples,
    sentence: `99 of 100 single decisions take at most ${p99Ms.toFixed(2)} ms over ${samples} tries, the slowest ${slowestMs.toFixed(2)} ms; below ${maxLatencyMs} ms over at least ${leastLatencySamples}, and never ${maxSlowestMs} ms, is needed`,
  });
}
