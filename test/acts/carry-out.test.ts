import assert from 'node:assert/strict';

import { ActError } from '../../acts/act-error.ts';
import { ActReused, carryOut, type Act } from '../../acts/carry-out.ts';
import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { verifyAudit } from '../../store/records/audit-chain.ts';
import { readAuditPage } from '../../store/records/audit-log.ts';

const act = (changes: Partial<Act> = {}): Act => ({
  actId: 'k1',
  who: 'ada',
  role: 'operator',
  via: 'page',
  act: 'trial.pause',
  policy: 'wall-follower',
  subject: '1.3.0',
  reason: 'lunch',
  ...changes,
});

function world(store: ObjectStore = memoryObjectStore()) {
  const told: string[] = [];
  const done: number[] = [];
  let nowMs = 1_000;
  const ports = { store, clock: () => (nowMs += 1), onUnrecorded: (why: string) => void told.push(why) };
  const work = async (askedAtMs: number): Promise<string> => {
    done.push(askedAtMs);
    return 'paused';
  };
  const log = async () =>
    (await readAuditPage(store, { limit: 100, isWanted: () => true }, () => undefined)).entries
      .toReversed()
      .map(({ actId, outcome, answer }) => `${actId} ${outcome} ${answer}`.trim());
  return { store, ports, told, done, work, log };
}
const down = (): never => {
  throw failure('StoreUnavailable', 'down');
};
const dead = (store: ObjectStore): ObjectStore => ({
  ...store,
  get: async () => down(),
  put: async () => down(),
  putIfAbsent: async () => down(),
  list: () => down(),
});

describe('an act', () => {
  it('is in the audit log before it is done, and with what came of it after', async () => {
    const { store, ports, work, log } = world();
    const seen: string[][] = [];
    const end = await carryOut(ports, act(), async (at) => {
      seen.push(await log());
      return work(at);
    });
    assert.deepEqual(end, { outcome: 'done', answer: 'paused', isRepeated: false });
    assert.deepEqual(seen, [['k1 asked']]);
    assert.deepEqual(await log(), ['k1 asked', 'k1 done paused']);
    assert.equal((await verifyAudit(store)).verifiedSeq, 2);
  });

  it('is done once however often it is asked for under its id, and answered as the first time', async () => {
    const { ports, done, work, log } = world();
    await carryOut(ports, act(), work);
    assert.deepEqual(await carryOut(ports, act(), work), { outcome: 'done', answer: 'paused', isRepeated: true });
    const refuse = async (): Promise<string> => {
      throw new ActError('no', 'it is not paused');
    };
    const resume = act({ actId: 'k2', act: 'trial.resume' });
    for (const isRepeated of [false, true])
      assert.deepEqual(await carryOut(ports, resume, refuse), {
        outcome: 'refused',
        answer: 'it is not paused',
        isRepeated,
      });
    assert.equal(done.length, 1);
    assert.deepEqual((await log()).slice(2), ['k2 asked', 'k2 refused it is not paused']);
  });

  it('is refused under an id that was used for another act, by another person, or with another reason', async () => {
    const { ports, done, work } = world();
    await carryOut(ports, act(), work);
    for (const other of [
      { act: 'trial.abort' },
      { reason: 'dinner' },
      { subject: '1.4.0' },
      { who: 'eve' },
      { policy: 'p' },
    ])
      await assert.rejects(carryOut(ports, act(other), work), ActReused);
    assert.equal(done.length, 1);
  });

  it('that nobody answers is written down as such, and done under the same id and time when asked for again', async () => {
    const { ports, done, work, log } = world();
    await assert.rejects(
      carryOut(ports, act(), async (at) => {
        done.push(at);
        throw new ActError('missing', 'no worker');
      }),
      /no worker/,
    );
    assert.deepEqual(await log(), ['k1 asked', 'k1 unanswered no worker']);
    assert.equal((await carryOut(ports, act(), work)).outcome, 'done');
    assert.equal(done[0], done[1]);
    assert.deepEqual((await log()).slice(2), ['k1 done paused']);
  });

  it('is not done where it cannot be written down, unless it protects: then it is, and that is said', async () => {
    const { store } = world();
    const { ports, done, work, told } = world(dead(store));
    await assert.rejects(carryOut(ports, act({ act: 'trial.approve' }), work), { type: 'StoreUnavailable' });
    assert.equal(done.length, 0);
    const end = await carryOut(ports, act({ isProtective: true }), work);
    assert.deepEqual([end.outcome, done.length, told.length], ['done', 1, 2]);
    assert.match(told.join(' '), /is done all the same.*not in the audit log/);
  });

  it('that protects waits for no store that hangs', async () => {
    const { store } = world();
    const never = new Promise<never>(() => undefined);
    const hanging = { ...store, get: async () => never };
    const { ports, done, work } = world(hanging);
    void carryOut(ports, act({ isProtective: true }), work);
    while (done.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }).timeout(30_000);

  it('that protects is answered though its end cannot be written down', async () => {
    const { store } = world();
    let isHanging = false;
    const never = new Promise<never>(() => undefined);
    const { ports, work } = world({ ...store, get: async (key) => (isHanging ? never : store.get(key)) });
    const end = await carryOut(ports, act({ isProtective: true }), async (askedAtMs) => {
      isHanging = true;
      return work(askedAtMs);
    });
    assert.deepEqual([end.outcome, end.answer], ['done', 'paused']);
  }).timeout(30_000);
});
