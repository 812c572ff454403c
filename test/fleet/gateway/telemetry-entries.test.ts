import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { readTelemetry } from '../../../fleet/desk/index.ts';
import type { Gateway } from '../../../fleet/gateway/gateway.ts';
import { sortEntries } from '../../../fleet/gateway/sort-entries.ts';
import { telemetryAnswerSchema, wireHeaders, wirePaths } from '../../../fleet/protocol/index.ts';
import { bootId, openTestFleet, policy, post, type TestFleet } from '../../support/gateway.ts';

const task = 'wall-following';
const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];

const episode = (seq: unknown, more: Record<string, unknown> = {}) => ({
  kind: 'episode',
  seq,
  atMs: 1_000,
  policyVersion: '1.0.0',
  trialId: null,
  episodeId: bootId,
  task,
  durationMs: 1_000,
  outcome: 'failure',
  failureReason: 'bump',
  intervened: false,
  latencyP50Ms: 3,
  ...more,
});
const event = (seq: unknown, text: string) => ({
  kind: 'safetyEvent',
  seq,
  atMs: 1_000,
  policyVersion: null,
  trialId: null,
  event: text,
});

describe('the entries of a batch', () => {
  const tasks = new Set([task]);

  it('are each taken or refused for themselves, and free texts come without control characters', () => {
    const { taken, refused, lastSeq } = sortEntries(
      [
        episode(0),
        event(1, ''),
        episode(2, { task: '__proto__' }),
        episode(1),
        episode(3, { failureReason: 'a\u001b[2J' }),
        null,
        'text',
        event(4, '\u009bb'),
        episode(5, { failureReason: 'x'.repeat(101) }),
      ],
      tasks,
    );
    assert.deepEqual(
      taken.map(({ seq }) => seq),
      [0, 3, 4],
    );
    assert.deepEqual(refused, ['malformed', 'unknownTask', 'order', 'malformed', 'malformed', 'malformed']);
    assert.equal(lastSeq, 5);
    assert.deepEqual(
      taken.map((entry) => (entry.kind === 'episode' ? entry.failureReason : 'event' in entry && entry.event)),
      ['bump', 'a\ufffd[2J', '\ufffdb'],
    );
  });

  it('are refused as a whole when the last one says no seq', () => {
    for (const last of [null, {}, episode('5'), episode(-1), episode(1.5), []])
      assert.throws(() => sortEntries([episode(0), last], tasks), { type: 'malformed' });
  });

  it('never let through a task of nobody, whatever texts and shapes come', () => {
    const name = fc.oneof(fc.constantFrom(task, ...inherited), fc.string());
    const some = fc.oneof(
      fc
        .record({ seq: fc.nat(), task: name, reason: fc.option(name) })
        .map(({ seq, task: asked, reason }) => episode(seq, { task: asked, failureReason: reason })),
      fc.record({ seq: fc.nat(), text: name }).map(({ seq, text }) => event(seq, text)),
      fc.jsonValue(),
      fc.anything({ withNullPrototype: true }),
    );
    fc.assert(
      fc.property(fc.array(some, { maxLength: 30 }), (entries) => {
        const { taken, refused } = sortEntries([...entries, episode(2 ** 40)], tasks);
        assert.equal(taken.length + refused.length, entries.length + 1);
        for (const [index, entry] of taken.entries()) {
          assert.ok(index === 0 || entry.seq > (taken[index - 1]?.seq ?? -1));
          if (entry.kind === 'episode') assert.equal(entry.task, task);
        }
        assert.deepEqual(Object.keys(Object.prototype), []);
      }),
    );
  });
});

describe('a gateway that is told nonsense', () => {
  let fleet: TestFleet;
  let gateway: Gateway;
  let token: string;

  before(async () => {
    fleet = await openTestFleet();
    token = await fleet.addRobot('r1');
    gateway = await fleet.startGateway();
  });
  after(() => fleet.close());

  const send = (entries: readonly unknown[]) =>
    post(gateway.url + wirePaths.telemetry('r1'), token, { bootId, clockSkewMs: 0, entries });
  async function storedSeqs(): Promise<number[]> {
    const seqs: number[] = [];
    for await (const { entry } of readTelemetry(fleet.store, policy, Date.now() - 600_000, Date.now() + 1))
      seqs.push(entry.seq);
    return seqs.toSorted((a, b) => a - b);
  }

  it('stores the good entries of a batch, refuses the others for good, and counts both', async () => {
    const batch = [episode(0), ...inherited.map((name, index) => episode(index + 1, { task: name })), episode(20)];
    const response = await send(batch);
    assert.equal(response.status, 200);
    assert.deepEqual(telemetryAnswerSchema.parse(await response.json()), { storedEntries: 2, lastSeq: 20 });
    assert.equal(response.headers.get(wireHeaders.refusedEntries), String(inherited.length));
    assert.deepEqual(await storedSeqs(), [0, 20]);
    const metrics = await (await fetch(`${gateway.operationsUrl}/metrics`)).text();
    assert.match(metrics, /^flywheel_gateway_telemetry_refused_total\{reason="unknownTask"\} 6$/m);
  });

  it('stores nothing of 500 made-up tasks, and an empty event holds up nothing', async () => {
    const madeUp = await send(
      Array.from({ length: 500 }, (_, index) => episode(100 + index, { task: `made-up-${index}` })),
    );
    assert.deepEqual(await madeUp.json(), { storedEntries: 0, lastSeq: 599 });
    const mixed = await send([event(700, ''), event(701, 'bump')]);
    assert.deepEqual(await mixed.json(), { storedEntries: 1, lastSeq: 701 });
    assert.deepEqual(await storedSeqs(), [0, 20, 701]);
  });

  it('says nothing of refusals about a batch without any', async () => {
    const response = await send([episode(800)]);
    assert.equal(response.headers.get(wireHeaders.refusedEntries), null);
  });

  it('refuses all of a robot whose type nobody published, for the robot to keep', async () => {
    await fleet.store.delete('config/robot-types/scitos-g5/1.json');
    const other = await fleet.startGateway();
    const batch = { bootId, clockSkewMs: 0, entries: [episode(900)] };
    assert.equal((await post(other.url + wirePaths.telemetry('r1'), token, batch)).status, 409);
  });
});
