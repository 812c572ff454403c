import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pino from 'pino';

import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { VersionBodies } from '../../policies/version-bodies.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { moveAliases } from '../../store/records/aliases.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { registerModel } from '../../activities/registry/register-model.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import {
  addRobot,
  newToken,
  openDesk,
  tokenHash,
  type AssignmentRecord,
  type FleetDesk,
} from '../../fleet/desk/index.ts';
import { openTestKeys, type TestKeys } from './keys.ts';
import { startGateway, type Gateway } from '../../fleet/gateway/gateway.ts';
import { readGatewaySettings } from '../../fleet/gateway/settings.ts';
import { bearer } from '../../fleet/protocol/index.ts';

export const policy = 'wall';
export const who = { who: 'tester', why: 'test' };
export const bootId = '01J00000000000000000000000';

const robotType = scitosG5Type;

export const robotTypeReference = { id: robotType.id, version: robotType.version, digest: robotTypeDigest(robotType) };

export interface TestFleet {
  readonly directory: string;
  readonly store: ObjectStore;
  readonly desk: FleetDesk;
  /** What a robot may pin. */
  readonly publicKeyPem: string;
  /** What a robot should be given. */
  readonly rootDocument: string;
  /** With what the fleet's desk signs; for a desk on another store of the same content. */
  readonly sealing: TestKeys['sealing'];
  /** Registers a version; the first becomes champion and baseline. */
  register(bytes: Uint8Array, bodies?: VersionBodies): Promise<string>;
  addRobot(robotId: string, bodyVersion?: number): Promise<string>;
  startGateway(settings?: Readonly<Record<string, string>>, store?: ObjectStore): Promise<Gateway>;
  assign(seq: number, more?: Partial<Extract<AssignmentRecord, { kind: 'assign' }>>): Promise<void>;
  close(): Promise<void>;
}

/** A fleet of one policy on a file store in a temporary folder, or on the store given, with gateways in this process. */
export async function openTestFleet(given?: ObjectStore, { isSigned = true } = {}): Promise<TestFleet> {
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-gateway-'));
  const store = given ?? fileObjectStore({ root: join(directory, 'store') });
  const keys = await openTestKeys(join(directory, 'keys'), isSigned ? store : undefined);
  const { signer } = keys;
  const desk = openDesk({ store, sealing: isSigned ? keys.sealing : undefined });
  const gateways: Gateway[] = [];
  let registered = 0;
  await publishRobotType(store, robotType);
  await createPolicyDocument(store, { policy, robotType: { id: robotType.id, version: robotType.version } });

  return {
    directory,
    store,
    desk,
    publicKeyPem: keys.pinnedPem,
    rootDocument: keys.rootDocument,
    sealing: keys.sealing,
    async register(bytes, bodies) {
      const operationId = `register-${registered++}`;
      await store.put(`incoming/${operationId}`, bytes);
      if (bodies !== undefined) await store.put(`incoming/${operationId}-bodies`, jsonBytes(bodies));
      const { version } = await registerModel({ store, signer, clock: Date.now, codeBuild: 'test' })({
        policy,
        robotType: robotTypeReference,
        parents: [],
        training: null,
        operationId,
        change: 'minor',
        sources: {
          'model.onnx': `incoming/${operationId}`,
          ...(bodies === undefined ? {} : { 'bodies.json': `incoming/${operationId}-bodies` }),
        },
        modelSha256: sha256(bytes),
        gates: [],
        metrics: {},
      });
      if (registered === 1)
        await moveAliases({ store, clock: Date.now }, { policy, operationId, ...who }, () => ({
          champion: version,
          baseline: version,
        }));
      if (registered === 1) await desk.refreshOrders(policy);
      return version;
    },
    async addRobot(robotId, bodyVersion = robotTypeReference.version) {
      const token = newToken(robotId, randomBytes);
      const { id } = robotTypeReference;
      const record = { robotId, policy, robotType: { id, version: bodyVersion }, site: 'hall', stratum: 'hall' };
      await addRobot({ store, clock: Date.now }, { ...record, ...who, tokenHashes: [tokenHash(token)] });
      return token;
    },
    async startGateway(settings = {}, gatewayStore = store) {
      const gateway = await startGateway(
        {
          store: gatewayStore,
          clock: Date.now,
          monotonicMs: () => performance.now(),
          log: pino({ level: 'silent' }),
          scratchDirectory: join(directory, 'scratch'),
        },
        readGatewaySettings({
          FLYWHEEL_GATEWAY_PORT: '0',
          FLYWHEEL_GATEWAY_OPERATIONS_PORT: '0',
          FLYWHEEL_GATEWAY_COMMIT_MS: '50',
          ...settings,
        }),
      );
      gateways.push(gateway);
      return gateway;
    },
    async assign(seq, more = {}) {
      const record: AssignmentRecord = {
        kind: 'assign',
        defaultVersion: '1.0.0',
        championVersion: '1.0.0',
        trialId: null,
        urgency: 'whenIdle',
        overrides: [],
        operationId: `test-${seq}`,
        ...who,
        atMs: 0,
        ...more,
      };
      const { kind } = await desk.write({ policy, seq, record });
      if (kind !== 'written') throw new Error(`expected record ${seq} to be written, got ${kind}`);
    },
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A JSON request as a robot sends it. */
export const post = (url: string, token: string, body: unknown): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { authorization: bearer(token), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

export const heartbeat = (more: Record<string, unknown> = {}) => ({
  bootId,
  clockMs: Date.now(),
  installedVersion: '1.0.0',
  assignmentSeq: null,
  isBusy: false,
  waiting: { sizeBytes: 0, segments: 0, telemetryEntries: 0 },
  droppedEpisodes: 0,
  ...more,
});

export const telemetry = (seqs: readonly number[], more: Record<string, unknown> = {}) => ({
  bootId,
  clockSkewMs: 0,
  entries: seqs.map((seq) => ({
    kind: 'safetyEvent',
    seq,
    atMs: 1_000,
    policyVersion: '1.0.0',
    trialId: null,
    event: 'bump',
  })),
  ...more,
});

/** The type of the error an answer carries. */
export async function errorType(response: Response): Promise<string> {
  return ((await response.json()) as { error: { type: string } }).error.type;
}
