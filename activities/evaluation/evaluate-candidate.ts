import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { canonicalJson } from '../../domain/canonical-json.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import { gateVerdict, offlineGates, type AbsoluteFacts, type GateResult } from '../../policies/gates/index.ts';
import { CandidateFailed } from '../../policies/evaluation/evaluate-heldout.ts';
import {
  compareOnHeldout,
  type ComparisonPorts,
  type HeldoutComparison,
  type VersionKey,
} from './compare-on-heldout.ts';
import { evaluationDocument, readEvaluation } from './evaluation-document.ts';
import { failure } from '../../store/failures.ts';
import { describeIssues } from '../../domain/describe-issues.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { ModelProbe } from '../ports/model-probe.ts';
import { readTaughtType, robotTypeReferenceSchema } from '../../store/records/robot-types.ts';
import { readMadeFor, readVersionBody } from '../../store/records/version-body.ts';
import { readVersionTasks } from '../../store/records/version-tasks.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readHeldoutSet, readTrainingSet } from '../mix/read-sets.ts';

const inputSchema = z.strictObject({
  modelKey: z.string().min(1),
  policy: z.string().min(1),
  robotType: robotTypeReferenceSchema,
  heldoutDigest: z.string(),
  /** Left out for a model that was not trained here. */
  trainingSetDigest: z.string().optional(),
  /** Policy versions to compare with. */
  champion: z.string().optional(),
  anchor: z.string().optional(),
  /** Lets gates without a partner to compare with pass. */
  bootstrap: z.boolean(),
  /** Where the details go, `…/evaluation.json`; golden answers go beside it. */
  evaluationKey: z.string().regex(/^[^/].*\/[^/]+\.json$/),
});
export type EvaluateCandidateInput = z.input<typeof inputSchema>;

export interface EvaluateCandidateResult {
  readonly passed: 'pass' | 'hold';
  /** Those that do not pass, their sentences cut short; all of them are in the details. */
  readonly gates: readonly GateResult[];
  readonly accuracyFraction: number | null;
  readonly evaluationKey: string;
  /** Inputs and answers for the robots' self-test; not there for a model that does not run. */
  readonly goldenKey: string;
}

export interface EvaluateCandidatePorts extends ComparisonPorts {
  readonly probe: ModelProbe;
}

/**
 * Judges a candidate by every offline gate. Idempotent by `evaluationKey`: what was judged once is returned as it was; another
 * candidate under the same key is refused with `Conflict`.
 */
export const evaluateCandidate =
  (ports: EvaluateCandidatePorts) =>
  async (given: EvaluateCandidateInput): Promise<EvaluateCandidateResult> => {
    const parsed = inputSchema.safeParse(given);
    if (!parsed.success) throw failure('InvalidInput', `evaluateCandidate: ${describeIssues(parsed.error)}`);
    const input = parsed.data;
    const known = await readEvaluation(ports.store, input.evaluationKey);
    if (known !== undefined && canonicalJson(known.input) !== canonicalJson(input))
      throw failure('Conflict', 'expected an evaluation of this candidate, got one of another input', {
        coordinates: { key: input.evaluationKey },
      });
    const { passed, gates, accuracyFraction } = known ?? (await judge(ports, input));
    const { evaluationKey } = input;
    return { passed, gates: brief(gates), accuracyFraction, evaluationKey, goldenKey: goldenKeyOf(evaluationKey) };
  };

type Request = z.output<typeof inputSchema>;

const goldenKeyOf = (evaluationKey: string): string => evaluationKey.replace(/[^/]+$/, 'golden.json');

async function judge(ports: EvaluateCandidatePorts, input: Request) {
  const { store } = ports;
  const type = await readTaughtType(store, input.robotType);
  const heldoutSet = await readHeldoutSet(store, input.heldoutDigest, type);
  const digest = input.trainingSetDigest;
  const training = digest === undefined ? undefined : { digest, set: await readTrainingSet(store, digest, type) };
  const modelPath = await store.localPath(input.modelKey);
  if (modelPath === undefined)
    throw failure('NotFound', 'expected a candidate to judge, got none', { coordinates: { key: input.modelKey } });
  const absolute = await ports.probe.probe(modelPath, type, ports.progress);
  const [champion, anchor] = [
    await versionKey(store, type, input.policy, input.champion),
    await versionKey(store, type, input.policy, input.anchor),
  ];
  const compared = isUsable(absolute, type)
    ? await inScratch(ports.scratchDirectory, input.evaluationKey, (scratchDirectory) =>
        compareUnlessItFails(
          { ...ports, scratchDirectory },
          {
            ...input,
            type,
            training,
            heldoutSet,
            candidate: input.modelKey,
            champion,
            anchor,
          },
        ),
      )
    : undefined;
  const comparison = typeof compared === 'string' ? undefined : compared;
  const gates = offlineGates(
    {
      absolute,
      bootstrap: input.bootstrap,
      ...(comparison === undefined ? {} : { heldout: comparison.facts }),
      ...(typeof compared === 'string' ? { heldoutFailure: compared } : {}),
    },
    type,
  );
  const passed = gateVerdict(gates, input.bootstrap);
  const madeFor = champion && (await readMadeFor(store, input.policy, champion.version));
  const facts = { input, type, absolute, gates, passed, comparison, championMadeFor: madeFor?.digest };
  const document = evaluationDocument(facts);
  if (comparison !== undefined) await store.put(goldenKeyOf(input.evaluationKey), jsonBytes(comparison.golden));
  await store.put(input.evaluationKey, jsonBytes(document));
  return document;
}

/** The comparison, or in words how the candidate failed on held-out rows. */
async function compareUnlessItFails(
  ...given: Parameters<typeof compareOnHeldout>
): Promise<HeldoutComparison | string> {
  try {
    return await compareOnHeldout(...given);
  } catch (error) {
    if (error instanceof CandidateFailed) return `the model failed on held-out rows: ${error.message}`;
    throw error;
  }
}

const isUsable = ({ outputs, singles }: AbsoluteFacts, type: RobotType): boolean =>
  outputs !== undefined && outputs.badInputs === 0 && singles !== undefined && type.actions.kind !== 'none';

async function versionKey(
  store: ObjectStore,
  type: RobotType,
  policy: string,
  version: string | undefined,
): Promise<VersionKey | undefined> {
  if (version === undefined) return undefined;
  const found = await readVersionBody(store, type, policy, version);
  const body =
    typeof found === 'string' || found === undefined
      ? found
      : (found.incomplete ?? { ...found, observations: found.readings.filter((value) => value !== undefined) });
  const own = typeof found === 'object' ? found.type : type;
  const { length: knownTasks } = await readVersionTasks(store, own, policy, version);
  return { version, key: modelFile(policy, version, 'model.onnx'), knownTasks, body };
}

async function inScratch<T>(root: string, name: string, work: (directory: string) => Promise<T>): Promise<T> {
  const directory = join(root, `evaluate-${name.replaceAll(/[^\w.-]/g, '-')}`);
  await mkdir(directory, { recursive: true });
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const longestSentence = 160;

const brief = (gates: readonly GateResult[]): readonly GateResult[] =>
  gates
    .filter(({ outcome }) => outcome !== 'pass')
    .map((gate) => ({
      ...gate,
      value: gate.value === null ? null : Number(gate.value.toPrecision(6)),
      sentence: gate.sentence.slice(0, longestSentence),
    }));
