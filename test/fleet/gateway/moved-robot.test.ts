import assert from 'node:assert/strict';

import { createPolicyDocument } from '../../../activities/registry/policy-document.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { openFleetReader, readAgentNote, readTelemetry, transferRobot } from '../../../fleet/desk/index.ts';
import {
  bearer,
  readTransferHeader,
  transferSchema,
  wireHeaders,
  wireLimits,
  wirePaths,
} from '../../../fleet/protocol/index.ts';
import { modelFile } from '../../../policies/model-manifest.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import {
  bootId,
  heartbeat,
  openTestFleet,
  policy,
  robotTypeReference,
  telemetry,
  who,
  type TestFleet,
} from '../../support/gateway.ts';

const other = 'picker';

describe('a robot that was moved, at a gateway', () => {
  let fleet: TestFleet;
  let token: string;
  let url: string;

  beforeEach(async () => {
    fleet = await openTestFleet();
    const { id, version } = robotTypeReference;
    await createPolicyDocument(fleet.store, { policy: other, robotType: { id, version } });
    await fleet.register(tinyPolicy(scitosG5Type, 1));
    token = await fleet.addRobot('r1');
    ({ url } = await fleet.startGateway({ FLYWHEEL_GATEWAY_PRESENCE_MS: '200', FLYWHEEL_GATEWAY_LOOK_MS: '100' }));
  });
  afterEach(() => fleet.close());

  const move = () =>
    transferRobot(
      { store: fleet.store, clock: Date.now, orders: fleet.sealing.orders },
      { robotId: 'r1', to: other, robotType: robotTypeReference, ...who },
    );
  const say = async (path: string, body: unknown, said: string | undefined) => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: {
        authorization: bearer(token),
        'content-type': 'application/json',
        ...(said === undefined ? {} : { [wireHeaders.policy]: said }),
      },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, await response.text());
  };
  const handshake = (agentVersion: string) => ({
    protocolVersion: wireLimits.protocolVersion,
    agentVersion,
    bootId,
    clockMs: Date.now(),
    robotType: robotTypeReference,
    installedVersion: '1.0.0',
  });
  const toldTo = async (name: string): Promise<number[]> => {
    const seqs: number[] = [];
    for await (const { entry } of readTelemetry(fleet.store, name, 0, Date.now() + 60_000)) seqs.push(entry.seq);
    return seqs.toSorted((a, b) => a - b);
  };

  it('is passed the signed transfer with every answer to what it should run', async () => {
    const desired = () => fetch(`${url}${wirePaths.desired('r1', 0)}`, { headers: { authorization: bearer(token) } });
    assert.equal((await desired()).headers.get(wireHeaders.transfer), null);
    for (const name of ['manifest.json', 'model.onnx'] as const) {
      const bytes = await fleet.store.get(modelFile(policy, '1.0.0', name));
      await fleet.store.put(modelFile(other, '1.0.0', name), bytes ?? assert.fail(name));
    }
    await moveAliases({ store: fleet.store, clock: Date.now }, { policy: other, operationId: 'x', ...who }, () => ({
      champion: '1.0.0',
    }));
    await move();
    const until = Date.now() + 20_000;
    let header: string | null = null;
    while (header === null && Date.now() < until) header = (await desired()).headers.get(wireHeaders.transfer);
    const said = transferSchema.parse(readTransferHeader(header)?.signed);
    assert.deepEqual([said.from, said.to, said.robotId], [[policy], other, 'r1']);
  });

  it('reports what it did for its former policy to that one, and to no policy that it never had', async () => {
    await say(wirePaths.telemetry('r1'), telemetry([0]), policy);
    await move();
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    await say(wirePaths.telemetry('r1'), telemetry([1]), policy);
    await say(wirePaths.telemetry('r1'), telemetry([2]), other);
    await say(wirePaths.telemetry('r1'), telemetry([3]), undefined);
    await say(wirePaths.telemetry('r1'), telemetry([4]), 'sweepers');
    await say(wirePaths.telemetry('r1'), telemetry([5]), '../x');
    assert.deepEqual(await toldTo(policy), [0, 1]);
    assert.deepEqual(await toldTo(other), [2, 3, 4, 5]);
    assert.deepEqual(await toldTo('sweepers'), []);
  });

  it('runs nothing of its new policy while it speaks of the former one', async () => {
    await move();
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    const view = async () =>
      (await openFleetReader({ store: fleet.store, clock: Date.now }).readFleet(other)).robots.find(
        ({ robotId }) => robotId === 'r1',
      );
    const seen = async (wanted: string | null) => {
      const until = Date.now() + 20_000;
      while (Date.now() < until) {
        const now = await view();
        if (now?.lastSeenMs !== null && now?.version === wanted) return now;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return assert.fail(`expected ${wanted}, got ${JSON.stringify(await view())}`);
    };
    await say(wirePaths.heartbeat('r1'), heartbeat({ assignmentSeq: 17 }), policy);
    assert.equal((await seen(null)).heldSeq, null);
    await say(wirePaths.heartbeat('r1'), heartbeat({ assignmentSeq: 2 }), other);
    assert.equal((await seen('1.0.0')).heldSeq, 2);
  });

  it('has said whether its agent takes transfers', async () => {
    await say(wirePaths.handshake('r1'), handshake('0.0.9'), undefined);
    assert.equal((await readAgentNote(fleet.store, 'r1'))?.knowsTransfers, false);
    await say(wirePaths.handshake('r1'), handshake('0.1.0'), '-');
    assert.deepEqual(
      await readAgentNote(fleet.store, 'r1').then((note) => [note?.knowsTransfers, note?.agentVersion]),
      [true, '0.1.0'],
    );
  });
});
