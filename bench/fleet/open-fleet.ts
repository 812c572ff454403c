import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pino from 'pino';

import { fileObjectStore } from '../../activities/adapters/file-object-store.ts';
import { openFileSigner } from '../../activities/adapters/file-signer.ts';
import type { ObjectStore } from '../../activities/ports.ts';
import { publishRobotType } from '../../activities/read-robot-type.ts';
import { moveAliases } from '../../activities/registry/aliases.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { registerModel } from '../../activities/registry/register-model.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { fileSha256 } from '../../datasets/landing.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { addRobot, newToken, tokenHash } from '../../fleet/desk/index.ts';
import { startGateway, type Gateway } from '../../fleet/gateway/gateway.ts';
import { readGatewaySettings } from '../../fleet/gateway/settings.ts';

/** A fleet's server side in a temporary folder: store, signed champion, registered robots, gateways in this process. */
export interface OpenFleet {
  readonly directory: string;
  readonly store: ObjectStore;
  readonly publicKeyPem: string;
  readonly robots: readonly { readonly robotId: string; readonly token: string }[];
  startGateway(): Promise<Gateway>;
  close(): Promise<void>;
}

const policy = 'wall-follower';
const robotType = { id: scitosG5Type.id, version: scitosG5Type.version };
const by = { who: 'bench', why: 'a fleet to measure' };

export async function openFleet(robots: number, champion: Uint8Array): Promise<OpenFleet> {
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-fleet-'));
  const store = fileObjectStore({ root: join(directory, 'store') });
  const signer = openFileSigner(join(directory, 'keys'));
  await publishRobotType(store, scitosG5Type);
  await createPolicyDocument(store, { policy, robotType });
  await store.put('incoming/model.onnx', champion);
  const modelSha256 = await fileSha256((await store.localPath('incoming/model.onnx')) ?? '');
  const { version } = await registerModel({ store, signer, clock: Date.now, codeBuild: 'bench' })({
    policy,
    robotType: { ...robotType, digest: robotTypeDigest(scitosG5Type) },
    parents: [],
    training: null,
    operationId: 'first',
    change: 'minor',
    sources: { 'model.onnx': 'incoming/model.onnx' },
    modelSha256,
    gates: [],
    metrics: {},
  });
  await moveAliases({ store, clock: Date.now }, { policy, operationId: 'first', ...by }, () => ({
    champion: version,
    baseline: version,
  }));
  const names = Array.from({ length: robots }, (_, robot) => `sim-${String(robot + 1).padStart(4, '0')}`);
  const gateways: Gateway[] = [];
  return {
    directory,
    store,
    publicKeyPem: signer.publicKeyPem,
    robots: await Promise.all(names.map((robotId) => register(store, robotId))),
    async startGateway() {
      const settings = readGatewaySettings({
        FLYWHEEL_GATEWAY_PORT: '0',
        FLYWHEEL_GATEWAY_COMMIT_MS: '200',
      });
      const log = pino({ level: 'silent' });
      const scratchDirectory = join(directory, 'scratch');
      const ports = { store, clock: Date.now, monotonicMs: () => performance.now(), log, scratchDirectory };
      const gateway = await startGateway(ports, settings);
      gateways.push(gateway);
      return gateway;
    },
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function register(store: ObjectStore, robotId: string): Promise<{ robotId: string; token: string }> {
  const token = newToken(robotId, randomBytes);
  const record = { robotId, policy, robotType, site: 'rooms', stratum: 'rooms', tokenHashes: [tokenHash(token)] };
  await addRobot({ store, clock: Date.now }, { ...record, ...by });
  return { robotId, token };
}
