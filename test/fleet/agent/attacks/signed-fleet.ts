import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import {
  createKey,
  readKey,
  rootsIn,
  signatureOf,
  type KeyKind,
  type OwnKey,
} from '../../../../activities/adapters/key-folder.ts';
import { initKeys, revokeKey, rotateKey } from '../../../../activities/adapters/key-changes.ts';
import { scitosG5Type } from '../../../../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../../../../datasets/robot-type-digest.ts';
import { currentOrderKey, currentReleaseKey, type Root } from '../../../../domain/trust/root.ts';
import type { Envelope } from '../../../../domain/trust/signed.ts';
import type { Agent, AgentOptions } from '../../../../fleet/agent/index.ts';
import { plantSheet, type OrderSheet } from '../../../../fleet/desk/order-sheet.ts';
import {
  robotDigest,
  sealHeader,
  transferHeader,
  transferValidForMs,
  type DesiredAnswer,
  type InstallReport,
  type ModelReference,
  type RobotOrder,
  type Seal,
  type Transfer,
} from '../../../../fleet/protocol/index.ts';
import { nodeCrypto } from '../../../../policies/signatures.ts';
import { startFakeGateway, type FakeGateway, type FakeWord } from '../fake-gateway.ts';
import { candidateOrder, championOrder, publish, type PublishOptions } from '../fleet-keys.ts';
import { openRobot, robotId, temporaryDirectory, token, until } from '../robot.ts';

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

export interface WordOptions {
  /** Moment of signing, after the fleet's beginning; as late as the robot's clock says unless given. */
  readonly atMs?: number;
  readonly leaseMs?: number;
  readonly validForMs?: number;
  /** Changes the seal before it is signed. */
  readonly seal?: Partial<Seal>;
  /** Signs in place of the fleet's order key. */
  readonly by?: OwnKey;
  /** Robots with an order of their own. */
  readonly own?: Readonly<Record<string, DesiredAnswer>>;
  /** Robots without an order. */
  readonly unserved?: readonly string[];
  /** Whose place and order the gateway sends. */
  readonly to?: string;
  readonly robotType?: Partial<RobotOrder['robotType']>;
  /** A transfer that goes with it. */
  readonly transfer?: string;
}

export interface TransferOptions extends Partial<Omit<Transfer, 'kind' | 'issuedAtMs'>> {
  /** Moment of signing, after the fleet's beginning; as late as the robot's clock says unless given. */
  readonly atMs?: number;
  /** Signs in place of the fleet's order key. */
  readonly by?: OwnKey;
}

/** A fleet that signs its orders, one robot with a real agent, and a gateway between them that says whatever a test wants. */
export interface SignedFleet {
  readonly gateway: FakeGateway;
  readonly directory: string;
  /** Added to the robot's monotonic clock. */
  aheadMs: number;
  /** Now, as the desk's clock has it. */
  readonly nowMs: () => number;
  readonly root: () => Root;
  readonly rootDocument: () => string;
  key(kind: KeyKind): OwnKey;
  stranger(): OwnKey;
  /** Registers a version that the release key of now signs. */
  release(version: string, options?: Partial<PublishOptions>): Promise<ModelReference>;
  /** An order as the desk signs it, on its way to the robot. */
  word(order: DesiredAnswer, options?: WordOptions): FakeWord;
  /** Lets the gateway say it. */
  say(order: DesiredAnswer, options?: WordOptions): FakeWord;
  /** A transfer as the desk signs it, from `walls` to `pickers` unless told otherwise, each with the next number. */
  transfer(options?: TransferOptions): string;
  rotate(kind: 'release' | 'order'): void;
  revoke(keyId: string): void;
  /** Brings the newest roots to the gateway. */
  publishRoots(): void;
  open(options?: Partial<AgentOptions>): Promise<Agent>;
  runs(version: string): Promise<void>;
  told(wanted: Partial<InstallReport>): Promise<void>;
  /** Resolves when the robot has asked for its order some more times. */
  asked(times?: number): Promise<void>;
  close(): Promise<void>;
}

/** The body of its robot, as orders name it. */
export const ownBody = {
  id: scitosG5Type.id,
  version: scitosG5Type.version,
  digest: robotTypeDigest(scitosG5Type),
};

export async function openSignedFleet(): Promise<SignedFleet> {
  const keysDirectory = await mkdtemp(path.join(tmpdir(), 'flywheel-keys-'));
  const beganMs = Date.now();
  const startMs = performance.now();
  initKeys(keysDirectory, { nowMs: beganMs });
  const gateway = await startFakeGateway(robotId, token);
  const folder = await temporaryDirectory();
  const root = (): Root => rootsIn(keysDirectory).at(-1)!.root;
  let agent: Agent | undefined;
  let words = 0;
  let transfers = 0;

  const fleet: SignedFleet = {
    gateway,
    directory: folder.directory,
    aheadMs: 0,
    nowMs: () => Math.round(beganMs + performance.now() - startMs + fleet.aheadMs),
    root,
    rootDocument: () => JSON.stringify(rootsIn(keysDirectory)[0]!.envelope),
    key(kind) {
      const { keyId } = {
        root: root().rootKeys[0]!,
        release: currentReleaseKey(root())!,
        order: currentOrderKey(root())!,
      }[kind];
      return readKey(keysDirectory, kind, keyId)!;
    },
    stranger: () => createKey(path.join(keysDirectory, 'stranger'), 'order'),
    release(version, options = {}) {
      const { keyId, sign } = fleet.key('release');
      return publish(gateway, { publicKeyPem: '', publicKeyId: keyId, sign }, version, { seed: words++, ...options });
    },
    word(order, options = {}) {
      const signed = (answer: DesiredAnswer): RobotOrder => ({
        ...answer,
        robotType: { ...ownBody, ...options.robotType },
      });
      const own = Object.entries(options.own ?? {});
      const sheet: OrderSheet = {
        orders: [signed(order), ...own.map(([, answer]) => signed(answer))],
        robots: own.map(([id], index): [string, number] => [id, index + 1]),
        ...(options.unserved === undefined ? {} : { unserved: [...options.unserved] }),
      };
      const { tree, of } = plantSheet(sheet);
      const to = options.to ?? robotId;
      const { place, path: way } = tree.of(robotDigest(to, nodeCrypto));
      const seal: Seal = {
        kind: 'flywheel.seal/1',
        policy: order.policy,
        epoch: currentOrderKey(root())!.epoch,
        seq: order.seq,
        orders: tree.root,
        rootVersion: root().version,
        issuedAtMs: options.atMs === undefined ? fleet.nowMs() : beganMs + options.atMs,
        validForMs: options.validForMs ?? day,
        leases: order.trialId === null ? [] : [{ trialId: order.trialId, leaseMs: options.leaseMs ?? hour }],
        ...options.seal,
      };
      const envelope: Envelope = { signed: seal, signatures: [signatureOf(options.by ?? fleet.key('order'), seal)] };
      words += 1;
      const { transfer } = options;
      return { body: { order: of(to), place, path: way }, seal: sealHeader(envelope), transfer, etag: `"w${words}"` };
    },
    say(order, options) {
      const word = fleet.word(order, options);
      gateway.setWord(word);
      return word;
    },
    transfer({ atMs, by, ...given } = {}) {
      transfers += 1;
      const transfer: Transfer = {
        kind: 'flywheel.transfer/1',
        robotId,
        from: ['walls'],
        to: 'pickers',
        robotType: ownBody,
        epoch: currentOrderKey(root())!.epoch,
        seq: transfers,
        issuedAtMs: atMs === undefined ? fleet.nowMs() : beganMs + atMs,
        validForMs: transferValidForMs,
        ...given,
      };
      return transferHeader({ signed: transfer, signatures: [signatureOf(by ?? fleet.key('order'), transfer)] });
    },
    rotate: (kind) => void rotateKey(keysDirectory, kind, fleet.nowMs()),
    revoke: (keyId) => void revokeKey(keysDirectory, keyId, 'stolen', fleet.nowMs()),
    publishRoots() {
      for (const { root: each, envelope } of rootsIn(keysDirectory)) gateway.roots.set(each.version, envelope);
    },
    async open(options = {}) {
      agent = await openRobot({
        gatewayUrl: gateway.url,
        directory: folder.directory,
        root: fleet.rootDocument(),
        monotonic: () => performance.now() + fleet.aheadMs,
        ...options,
      });
      return agent;
    },
    runs: (version) => until(`runs ${version}`, () => agent?.policy()?.version === version, 20_000),
    told: (wanted) =>
      until(
        `told ${JSON.stringify(wanted)}, got ${JSON.stringify(gateway.reports.map(({ reason }) => reason))}`,
        () =>
          gateway.reports.some((report) =>
            Object.entries(wanted).every(([key, value]) => report[key as keyof InstallReport] === value),
          ),
        20_000,
      ),
    async asked(times = 3) {
      const asks = (): number => gateway.requests.filter((request) => request.endsWith('/desired')).length;
      const before = asks();
      await until(`asked ${times} times more`, () => asks() >= before + times, 20_000);
    },
    async close() {
      await agent?.close();
      await gateway.stop();
      await folder.remove();
      await rm(keysDirectory, { recursive: true, force: true });
    },
  };
  gateway.roots.set(1, JSON.parse(fleet.rootDocument()));
  return fleet;
}

export { candidateOrder, championOrder };
