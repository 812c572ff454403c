import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import type { RobotType } from '../../datasets/robot-type.ts';
import type { Aliases } from '../../domain/registry/index.ts';
import type { PortMap } from '../../policies/fit-model.ts';
import { comparativeGates, comparativeGatesWithoutData } from '../../policies/gates/comparative.ts';
import { gateVerdict, type GateResult } from '../../policies/gates/index.ts';
import { checkModel, type CheckModelResult } from '../evaluation/check-model.ts';
import { evaluateCandidate, type EvaluateCandidatePorts } from '../evaluation/evaluate-candidate.ts';
import { evaluationSchema } from '../evaluation/evaluation-document.ts';
import { exportHeldoutSet } from '../mix/export-heldout-set.ts';
import { jsonBytes, requireJson } from '../../store/json-objects.ts';
import type { SetPorts } from '../mix/ports.ts';
import { readTaughtType, type RobotTypeReference } from '../../store/records/robot-types.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { comparedCameras, heldoutWindow } from '../registry/compared-cameras.ts';
import { robotTypeOfPolicy } from '../registry/policy-document.ts';
import { sha256Of } from '../training/training-run.ts';
import { withFittedFile } from './fitted-file.ts';
import { mendedFileName, type MendedFile } from './mended-file.ts';

export type JudgeSubmissionPorts = EvaluateCandidatePorts & SetPorts;

export interface SubmissionVerdict {
  readonly policy: string;
  readonly robotType: RobotTypeReference;
  /** Of the model that was judged: of the mended copy where there is one. */
  readonly modelSha256: string;
  /** Undefined where the file was judged as it is. */
  readonly mended: MendedFile | undefined;
  /** No gate fails; one that has nothing to compare with yet is `notApplicable` and does not count. */
  readonly passed: 'pass' | 'hold';
  /** Every gate passes, so that it may be registered and offered to a trial. */
  readonly mayBeOffered: boolean;
  readonly gates: readonly GateResult[];
  /** The judgement in the store, and what was compared with; not there for a model that failed alone, or without data. */
  readonly judged: JudgedSubmission | undefined;
}

export interface JudgedSubmission {
  readonly modelKey: string;
  readonly evaluationKey: string;
  readonly goldenKey: string;
  /** What was mended, as a file of the version; not there where nothing was. */
  readonly mendedKey?: string;
  readonly heldoutDigest: string;
  readonly champion?: string;
  readonly anchor?: string;
}

export interface JudgeSubmissionInput {
  readonly policy: string;
  readonly filePath: string;
  /** What the file calls the policy's ports, where it has other names. */
  readonly portMap?: PortMap | undefined;
}

/**
 * Judges an ONNX file, made here or not, by every offline gate of a policy: the absolute ones, and on held-out episodes against
 * champion and anchor where these exist. A file whose ports can be mended is judged, and kept, as the mended copy. Nothing is stored
 * for a file that fails alone. Idempotent by (policy, content of the file, port map, held-out set, versions compared with): what was
 * judged once is returned as it was.
 */
export const judgeSubmission =
  (ports: JudgeSubmissionPorts) =>
  async ({ policy, filePath, portMap }: JudgeSubmissionInput): Promise<SubmissionVerdict> => {
    const robotType = await robotTypeOfPolicy(ports.store, policy);
    const type = await readTaughtType(ports.store, robotType);
    const { scratchDirectory } = ports;
    return withFittedFile({ filePath, type, portMap, scratchDirectory }, (fittedPath, mended) =>
      judgeFitted(ports, { policy, robotType, type, filePath: fittedPath, mended }),
    );
  };

interface FittedInput {
  readonly policy: string;
  readonly robotType: RobotTypeReference;
  readonly type: RobotType;
  readonly filePath: string;
  readonly mended: MendedFile | undefined;
}

async function judgeFitted(ports: JudgeSubmissionPorts, input: FittedInput): Promise<SubmissionVerdict> {
  const { policy, robotType, type, filePath, mended } = input;
  const alone = await checkModel(ports)({ filePath, robotType });
  const modelSha256 = await sha256Of({ filePath });
  const verdict = (gates: readonly GateResult[], judged?: JudgedSubmission): SubmissionVerdict => ({
    policy,
    robotType,
    modelSha256,
    mended,
    passed: gateVerdict(gates, true),
    mayBeOffered: judged !== undefined && gateVerdict(gates, false) === 'pass',
    gates,
    judged,
  });
  if (alone.passed === 'hold') return verdict([...alone.gates, ...comparativeGates(undefined, type)]);

  const datasetVersion = await ports.lake.currentVersion();
  const aliases = await readAliases(ports)({ policy });
  const cameras = await heldoutCameras(ports.store, policy, robotType, aliases, alone.cameras);
  const window = await heldoutWindow(ports.store, policy, aliases, alone);
  const heldout = await exportHeldoutSet(ports)({ robotType, datasetVersion, ...cameras, ...window });
  if (heldout.episodes === 0) return verdict([...alone.gates, ...comparativeGatesWithoutData(type)]);
  const folder = `submissions/${policy}/${modelSha256}`;
  const modelKey = `${folder}/model.onnx`;
  await ports.store.putIfAbsent(modelKey, await readFile(filePath));
  const mendedKey = mended === undefined ? {} : { mendedKey: `${folder}/${mendedFileName}` };
  if (mendedKey.mendedKey !== undefined) await ports.store.putIfAbsent(mendedKey.mendedKey, jsonBytes(mended));
  const partners = partnersOf(aliases);
  const against = createHash('sha256')
    .update(JSON.stringify([heldout.digest, partners]))
    .digest('hex');
  const { evaluationKey, goldenKey } = await evaluateCandidate(ports)({
    modelKey,
    policy,
    robotType,
    heldoutDigest: heldout.digest,
    bootstrap: false,
    evaluationKey: `${folder}/${against.slice(0, 16)}/evaluation.json`,
    ...partners,
  });
  const { gates } = await requireJson(ports.store, evaluationKey, evaluationSchema, 'it was just written');
  return verdict(gates, {
    modelKey,
    evaluationKey,
    goldenKey,
    ...mendedKey,
    heldoutDigest: heldout.digest,
    ...partners,
  });
}

/** Images that the held-out rows need: of the cameras that the model sees, and of those of what it is compared with. */
async function heldoutCameras(
  store: JudgeSubmissionPorts['store'],
  policy: string,
  robotType: RobotTypeReference,
  aliases: Aliases,
  seen: CheckModelResult['cameras'] = [],
): Promise<{ readonly cameras?: readonly string[] }> {
  const own = seen.map(({ name }) => name);
  const compared = await comparedCameras(store, policy, robotType, aliases);
  const cameras = [...own, ...compared.filter((name) => !own.includes(name))];
  return cameras.length === 0 ? {} : { cameras };
}

const partnersOf = ({ champion, anchor }: Aliases): { champion?: string; anchor?: string } => ({
  ...(champion === undefined ? {} : { champion }),
  ...(anchor === undefined ? {} : { anchor }),
});
