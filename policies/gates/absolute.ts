import { measured, unmeasured, type GateResult } from './gate.ts';

/** What was found out about a model file on its own. Parts that could not be reached are undefined. */
export interface AbsoluteFacts {
  readonly sizeBytes: number;
  /** Undefined when the file was too large to be loaded at all. */
  readonly load?: { readonly isLoaded: boolean; readonly reason: string };
  /** What does not fit the robot type, as sentences; empty when all fits. */
  readonly ioProblems?: readonly string[];
  readonly outputs?: { readonly inputsTried: number; readonly badInputs: number; readonly reason: string };
  readonly latency?: { readonly samples: number; readonly p99Ms: number };
}

export interface AbsoluteLimits {
  readonly maxModelSizeBytes: number;
}

export const leastInputsTried = 10_000;
export const maxLatencyMs = 200;
export const leastLatencySamples = 100;

/** What any model must be able to do before it comes near a robot, alone, without data. */
export const absoluteGates = (facts: AbsoluteFacts, limits: AbsoluteLimits): readonly GateResult[] => [
  size(facts, limits),
  loads(facts),
  io(facts),
  finite(facts),
  latency(facts),
];

const size = ({ sizeBytes }: AbsoluteFacts, { maxModelSizeBytes }: AbsoluteLimits): GateResult =>
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

function io({ ioProblems }: AbsoluteFacts): GateResult {
  if (ioProblems === undefined) return unmeasured('model.io', 'problems', 0, 'not looked at, because it does not load');
  return measured({
    id: 'model.io',
    value: ioProblems.length,
    limit: 0,
    unit: 'problems',
    sampleSize: 1,
    passes: ioProblems.length === 0,
    sentence: ioProblems.length === 0 ? 'inputs and outputs are those of the robot type' : ioProblems.join('; '),
  });
}

function finite({ outputs }: AbsoluteFacts): GateResult {
  if (outputs === undefined) return unmeasured('model.finite', 'inputs', 0, 'not tried, because it does not fit');
  const isEnough = outputs.inputsTried >= leastInputsTried;
  return measured({
    id: 'model.finite',
    value: outputs.badInputs,
    limit: 0,
    unit: 'inputs',
    sampleSize: outputs.inputsTried,
    passes: outputs.badInputs === 0 && isEnough,
    sentence:
      outputs.badInputs === 0 && isEnough
        ? `finite outputs on ${outputs.inputsTried} random and extreme inputs`
        : `${outputs.badInputs} bad of ${outputs.inputsTried} tried, ${leastInputsTried} good ones are needed: ${outputs.reason}`,
  });
}

function latency({ latency: facts }: AbsoluteFacts): GateResult {
  if (facts === undefined)
    return unmeasured('model.latency', 'ms', maxLatencyMs, 'not measured, because it does not run');
  return measured({
    id: 'model.latency',
    value: facts.p99Ms,
    limit: maxLatencyMs,
    unit: 'ms',
    sampleSize: facts.samples,
    passes: facts.p99Ms < maxLatencyMs && facts.samples >= leastLatencySamples,
    sentence: `99 of 100 single decisions take at most ${facts.p99Ms.toFixed(2)} ms over ${facts.samples} tries; below ${maxLatencyMs} ms over at least ${leastLatencySamples} is needed`,
  });
}
