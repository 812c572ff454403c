import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pino from 'pino';

import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { openFileKeys } from '../../activities/adapters/file-signer.ts';
import { initKeys } from '../../activities/adapters/key-changes.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { moveAliases } from '../../store/records/aliases.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { registerModel } from '../../activities/registry/register-model.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { fileSha256 } from '../../datasets/landing.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { addRobot, newToken, openDesk, publishRoots, tokenHash, type FleetDesk } from '../../fleet/desk/index.ts';
import type { DeskPorts } from '../../fleet/desk/desk.ts';
import { startGateway, type Gateway } from '../../fleet/gateway/gateway.ts';
import { readGatewaySettings } from '../../fleet/gateway/settings.ts';

export interface MeasuredRobot {
  readonly robotId: string;
  readonly token: string;
}

/** A fleet's server side in a temporary folder: store, signed champion, registered robots, gateways in this process. */
export interface OpenFleet {
  readonly directory: string;
  readonly store: ObjectStore;
  /** Signs what it writes. */
  readonly desk: FleetDesk;
  /** What the desk signs with. */
  readonly sealing: NonNullable<DeskPorts['sealing']>;
  readonly rootDocument: string;
  readonly robots: readonly MeasuredRobot[];
  /** Registers another version; it is nobody's champion. */
  register(model: Uint8Array): Promise<string>;
  startGateway(): Promise<Gateway>;
  close(): Promise<void>;
}

export const fleetPolicy = 'wall-follower';
const by = { who: 'bench', why: 'a fleet to measure' };
const registeredAtOnce = 50;

export async function openFleet(
  robots: number,
  champion: Uint8Array,
  type: RobotType = scitosG5Type,
): Promise<OpenFleet> {
  const robotType = { id: type.id, version: type.version };
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-fleet-'));
  const store = fileObjectStore({ root: join(directory, 'store') });
  initKeys(join(directory, 'keys'), { nowMs: Date.now() });
  const keys = openFileKeys(join(directory, 'keys'));
  const { signer, orders } = keys;
  if (orders === undefined) throw new Error('expected keys with a root');
  await publishRoots(store, keys.roots());
  const sealing = { clock: Date.now, signer, orders, onUnsealed };
  const desk = openDesk({ store, sealing });
  await publishRobotType(store, type);
  await createPolicyDocument(store, { policy: fleetPolicy, robotType });
  let versions = 0;
  const register = async (model: Uint8Array): Promise<string> => {
    const operationId = `version-${versions++}`;
    const key = `incoming/${operationId}.onnx`;
    await store.put(key, model);
    const { version } = await registerModel({ store, signer, clock: Date.now, codeBuild: 'bench' })({
      policy: fleetPolicy,
      robotType: { ...robotType, digest: robotTypeDigest(type) },
      parents: [],
      training: null,
      operationId,
      change: 'minor',
      sources: { 'model.onnx': key },
      modelSha256: await fileSha256((await store.localPath(key)) ?? ''),
      gates: [],
      metrics: {},
    });
    return version;
  };
  const version = await register(champion);
  await moveAliases({ store, clock: Date.now }, { policy: fleetPolicy, operationId: 'first', ...by }, () => ({
    champion: version,
    baseline: version,
  }));
  await desk.refreshOrders(fleetPolicy);
  const names = Array.from({ length: robots }, (_, robot) => `sim-${String(robot + 1).padStart(4, '0')}`);
  const gateways: Gateway[] = [];
  return {
    directory,
    store,
    desk,
    sealing,
    rootDocument: JSON.stringify(keys.roots().at(-1)?.envelope),
    robots: await inParallel(names, registeredAtOnce, (robotId) => addMeasuredRobot(store, robotType, robotId)),
    register,
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

function onUnsealed(why: string): never {
  throw new Error(why);
}

async function addMeasuredRobot(
  store: ObjectStore,
  robotType: Pick<RobotType, 'id' | 'version'>,
  robotId: string,
): Promise<MeasuredRobot> {
  const token = newToken(robotId, randomBytes);
  const record = {
    robotId,
    policy: fleetPolicy,
    robotType,
    site: 'rooms',
    stratum: 'rooms',
    tokenHashes: [tokenHash(token)],
  };
  await addRobot({ store, clock: Date.now }, { ...record, ...by });
  return { robotId, token };
}
