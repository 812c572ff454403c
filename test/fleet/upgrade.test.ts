import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { openFileKeys } from '../../activities/adapters/file-signer.ts';
import { upgradeKeys } from '../../activities/adapters/key-changes.ts';
import { moveAliases } from '../../store/records/aliases.ts';
import { registerModel } from '../../activities/registry/register-model.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import type { Agent } from '../../fleet/agent/index.ts';
import { openDesk, publishRoots } from '../../fleet/desk/index.ts';
import { bearer, desiredAnswerSchema, wirePaths } from '../../fleet/protocol/index.ts';
import { signedManifestSchema } from '../../policies/model-manifest.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { openTestFleet, policy, robotTypeReference, sha256, who, type TestFleet } from '../support/gateway.ts';
import { openRobot, temporaryDirectory, until } from './agent/robot.ts';

/** An installation as versions before root keys left it: one key, manifests that it signed, unsigned orders. */
describe('an installation of one key', () => {
  let fleet: TestFleet;
  let keysDirectory: string;
  let publicKeyPem: string;
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let agent: Agent | undefined;

  beforeEach(async () => {
    fleet = await openTestFleet(undefined, { isSigned: false });
    folder = await temporaryDirectory();
    keysDirectory = path.join(fleet.directory, 'old-keys');
    await mkdir(keysDirectory);
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await writeFile(path.join(keysDirectory, 'signing-key.pem'), pem, { mode: 0o600 });
    publicKeyPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  });
  afterEach(async () => {
    await agent?.close();
    agent = undefined;
    await folder.remove();
    await fleet.close();
  });

  async function register(seed: number): Promise<string> {
    const { store } = fleet;
    const { signer } = openFileKeys(keysDirectory);
    const model = tinyPolicy(scitosG5Type, seed);
    await store.put(`incoming/${seed}`, model);
    const { version } = await registerModel({ store, signer, clock: Date.now, codeBuild: 'test' })({
      policy,
      robotType: robotTypeReference,
      parents: [],
      training: null,
      operationId: `register-${seed}`,
      change: 'minor',
      sources: { 'model.onnx': `incoming/${seed}` },
      modelSha256: sha256(model),
      gates: [],
      metrics: {},
    });
    const move = { policy, operationId: `first-${seed}`, ...who };
    await moveAliases({ store, clock: Date.now }, move, ({ champion = version, baseline = version }) => ({
      champion,
      baseline,
    }));
    return version;
  }

  const desk = () => {
    const { signer, orders } = openFileKeys(keysDirectory);
    const sealing = orders && { clock: Date.now, signer, orders, onUnsealed: (why: string) => assert.fail(why) };
    return openDesk({ store: fleet.store, sealing });
  };
  const order = async (seq: number, version: string): Promise<void> => {
    const origin = { operationId: `test-${seq}`, ...who, atMs: 0 };
    const snapshot = { defaultVersion: version, championVersion: version, trialId: null, overrides: [] };
    await desk().write({ policy, seq, record: { kind: 'assign', urgency: 'whenIdle', ...snapshot, ...origin } });
  };
  const runs = (version: string): Promise<void> =>
    until(`runs ${version}`, () => agent?.policy()?.version === version, 30_000);

  it('goes on unsigned with new workers, gateways and agents, and signed after `keys upgrade`, no robot touched', async () => {
    const token = await fleet.addRobot('r1');
    const first = await register(1);
    const second = await register(2);
    const manifestOf = async (version: string) => {
      const bytes = await fleet.store.get(`models/${policy}/${version}/manifest.json`);
      return signedManifestSchema.parse(JSON.parse(Buffer.from(bytes ?? []).toString('utf8')));
    };
    assert.equal((await manifestOf(first)).manifest.release, undefined, 'earlier agents know no such field');
    await order(0, first);
    const gateway = await fleet.startGateway();
    const robot = { robotId: 'r1', token, gatewayUrl: gateway.url, directory: folder.directory, publicKeyPem };
    agent = await openRobot(robot);
    await runs(first);
    assert.equal(agent.status().obeysSignedOnly, false);

    assert.equal(upgradeKeys(keysDirectory, Date.now()).kind, 'done');
    await publishRoots(fleet.store, openFileKeys(keysDirectory).roots());
    assert.equal((await desk().adoptOrders(policy))?.kind, 'sealed');
    await until('the robot has heard of the root', () => agent?.status().obeysSignedOnly === true, 30_000);
    await order(1, second);
    await runs(second);
    const third = await register(3);
    assert.equal((await manifestOf(third)).manifest.release, 3);
    await order(2, third);
    await runs(third);
    const trust = JSON.parse(await readFile(path.join(folder.directory, 'trust.json'), 'utf8')) as {
      held: { seq: number };
    };
    assert.equal(trust.held.seq, 2);

    const plain = await fetch(gateway.url + wirePaths.desired('r1', 0), { headers: { authorization: bearer(token) } });
    assert.equal(desiredAnswerSchema.parse(await plain.json()).model.version, third, 'agents of earlier versions');
  });

  it('is not obeyed by a robot that was given a root', async () => {
    const token = await fleet.addRobot('r1');
    await order(0, await register(1));
    const gateway = await fleet.startGateway();
    const { rootDocument: root } = fleet;
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    agent = await openRobot({ robotId: 'r1', token, gatewayUrl: gateway.url, directory: folder.directory, root, log });
    await until('refused', () => lines.some((line) => line.includes('unsignedOrder')), 30_000);
    assert.equal(agent.policy(), undefined);
  });
});
