import { isolatedPolicyRuntime } from '../fleet/agent/adapters/isolated-runtime.ts';
import { onnxPolicyRuntime } from '../fleet/agent/adapters/onnx-runtime.ts';
import { loadedPolicy, type PolicyRuntime } from '../fleet/agent/versions/policy-runtime.ts';
import { scitosG5Type } from '../datasets/built-in-robot-types.ts';
import { plainMapping } from '../policies/body-mapping.ts';
import { policySizes } from '../policies/policy-io.ts';
import { tinyPolicy } from '../policies/tiny-policy.ts';

export interface DecideBenchResult {
  readonly leg: 'decide';
  readonly decisions: number;
  /** Milliseconds of a decision with the model in this process. */
  readonly hereP50Ms: number;
  readonly hereP99Ms: number;
  /** With the model in a process of its own, as on a robot. */
  readonly isolatedP50Ms: number;
  readonly isolatedP99Ms: number;
  /** What the isolation costs, median. */
  readonly costMs: number;
}

const warmUp = 200;

/** What a robot pays for a model that cannot hold it up: the same decisions with the model in this process and in one of its own. */
export async function measureDecide({ decisions }: { readonly decisions: number }): Promise<DecideBenchResult> {
  const here = await latenciesOf(onnxPolicyRuntime(), decisions);
  const isolated = await latenciesOf(isolatedPolicyRuntime(), decisions);
  return {
    leg: 'decide',
    decisions,
    hereP50Ms: rank(here, 0.5),
    hereP99Ms: rank(here, 0.99),
    isolatedP50Ms: rank(isolated, 0.5),
    isolatedP99Ms: rank(isolated, 0.99),
    costMs: rank(isolated, 0.5) - rank(here, 0.5),
  };
}

async function latenciesOf(runtime: PolicyRuntime, decisions: number): Promise<readonly number[]> {
  const sizes = policySizes(scitosG5Type);
  if (sizes === undefined) throw new Error('expected a robot type with actions');
  const session = await runtime.open(tinyPolicy(scitosG5Type, 1));
  const ports = {
    runtime,
    robotType: scitosG5Type,
    monotonic: () => performance.now(),
    decideTimeoutMs: 60_000,
    onFailed: () => undefined,
  };
  const policy = loadedPolicy(
    ports,
    { policy: 'bench', version: '1.0.0', sha256: '' },
    { session, sizes, mapping: plainMapping(sizes.head), tasks: scitosG5Type.tasks },
  );
  const observation = new Float32Array(sizes.observationSize).fill(1);
  const latencies: number[] = [];
  for (let index = 0; index < warmUp + decisions; index++) {
    const { latencyMs } = await policy.decide(observation);
    if (index >= warmUp) latencies.push(latencyMs);
  }
  await policy.close();
  return latencies.toSorted((a, b) => a - b);
}

const rank = (sorted: readonly number[], fraction: number): number =>
  sorted[Math.ceil(fraction * sorted.length) - 1] ?? Number.NaN;
