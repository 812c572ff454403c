import { createHash, generateKeyPairSync, sign } from 'node:crypto';

import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { canonicalJson } from '../../../domain/canonical-json.ts';
import type { DesiredAnswer, ModelReference } from '../../../fleet/protocol/index.ts';
import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { goldenAnswers } from '../../../policies/evaluation/golden.ts';
import type { GoldenAnswers } from '../../../policies/golden-answers.ts';
import { policySizes } from '../../../policies/policy-io.ts';
import type { ModelManifest } from '../../../policies/model-manifest.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import type { FakeGateway } from './fake-gateway.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface FleetKeys {
  readonly publicKeyPem: string;
  readonly publicKeyId: string;
  sign(bytes: Uint8Array): string;
}

export function fleetKeys(): FleetKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    publicKeyId: sha256(publicKey.export({ type: 'spki', format: 'der' })).slice(0, 16),
    sign: (bytes) => sign(null, bytes, privateKey).toString('base64'),
  };
}

export interface PublishOptions {
  readonly seed: number;
  /** The model; a tiny policy of this seed unless given. */
  readonly model?: Uint8Array;
  /** The model whose answers are the golden ones; the published one unless given. */
  readonly goldenModel?: Uint8Array;
  /** Policy it is a version of; `walls` unless given. */
  readonly policy?: string;
  /** Instead of the robot type's own. */
  readonly robotTypeDigest?: string;
  /** Published with golden answers that the model does not give. */
  readonly hasWrongGolden?: boolean;
  /** Ids of the tasks that the version knows, by index; the robot type's unless given. */
  readonly tasks?: readonly string[];
  /** Bytes of `bodies.json`; none unless given. */
  readonly bodies?: Uint8Array;
  /** Bytes served instead of the signed ones. */
  readonly servedModel?: (model: Uint8Array) => Uint8Array;
}

/** Puts a signed version on a gateway and returns how orders name it. */
export async function publish(
  gateway: FakeGateway,
  keys: FleetKeys,
  version: string,
  {
    seed,
    robotTypeDigest: digest = robotTypeDigest(scitosG5Type),
    hasWrongGolden = false,
    servedModel = (model) => model,
    policy = 'walls',
    ...given
  }: PublishOptions,
): Promise<ModelReference> {
  const { tasks, bodies } = given;
  const type = tasks === undefined ? scitosG5Type : { ...scitosG5Type, tasks: [...tasks] };
  const model = given.model ?? tinyPolicy(type, seed);
  const known = tasks && Buffer.from(canonicalJson({ catalogueSeq: 0, tasks }));
  const golden = Buffer.from(JSON.stringify(await goldenOf(given.goldenModel ?? model, hasWrongGolden ? 0.5 : 0)));
  const manifest: ModelManifest = {
    policy,
    version,
    robotType: { id: scitosG5Type.id, version: scitosG5Type.version, digest },
    files: {
      'model.onnx': { sha256: sha256(model), sizeBytes: model.length },
      'golden.json': { sha256: sha256(golden), sizeBytes: golden.length },
      ...(known === undefined ? {} : { 'tasks.json': { sha256: sha256(known), sizeBytes: known.length } }),
      ...(bodies === undefined ? {} : { 'bodies.json': { sha256: sha256(bodies), sizeBytes: bodies.length } }),
    },
    parents: [],
    training: null,
    codeBuild: 'test',
    registeredAtMs: 1,
    metrics: {},
    gates: [],
  };
  const value = keys.sign(Buffer.from(canonicalJson(manifest)));
  const signature = { algorithm: 'Ed25519', publicKeyId: keys.publicKeyId, value };
  gateway.files.set(`${policy}/${version}/model.onnx`, servedModel(model));
  gateway.files.set(`${policy}/${version}/golden.json`, golden);
  if (known !== undefined) gateway.files.set(`${policy}/${version}/tasks.json`, known);
  if (bodies !== undefined) gateway.files.set(`${policy}/${version}/bodies.json`, Buffer.from(bodies));
  gateway.files.set(`${policy}/${version}/manifest.json`, Buffer.from(JSON.stringify({ manifest, signature })));
  return { version, sha256: sha256(model), sizeBytes: model.length, signature: value, publicKeyId: keys.publicKeyId };
}

/** As the registry's judge makes them, so that what it writes and what robots read is one thing. */
async function goldenOf(model: Uint8Array, shift: number): Promise<GoldenAnswers> {
  const session = await onnxRuntime().open(model);
  const sizes = policySizes(scitosG5Type);
  if (sizes === undefined) throw new Error('expected a robot type with actions');
  const golden = await goldenAnswers(session, scitosG5Type, sizes);
  await session.close();
  return { ...golden, outputs: golden.outputs.map((row) => row.map((value) => value + shift)) };
}

/** An order for everybody: no trial. */
export const championOrder = (
  seq: number,
  champion: ModelReference,
  baseline: ModelReference | null,
): DesiredAnswer => ({
  policy: 'walls',
  seq,
  model: champion,
  urgency: 'whenIdle',
  trialId: null,
  isLeased: false,
  champion,
  baseline,
});

export const candidateOrder = (
  seq: number,
  candidate: ModelReference,
  champion: ModelReference,
  baseline: ModelReference | null,
): DesiredAnswer => ({
  ...championOrder(seq, champion, baseline),
  model: candidate,
  trialId: 'trial-1',
  isLeased: true,
});
