import assert from 'node:assert/strict';

import { readHandLabels } from '../../activities/mix/hand-labels.ts';
import type { AuditAnswer } from '../../console/answers/acts.ts';
import type { LabelQueueAnswer, LabelsAnswer } from '../../console/answers/labels.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { episodeIdOf, hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { openConsoleWorld, type ConsoleWorld } from './console-world.ts';
import { storeEpisodes } from './lake-episodes.ts';

const [task = ''] = scitosG5Type.tasks;
const [action = ''] = scitosG5Type.actions.kind === 'discrete' ? scitosG5Type.actions.names : [];
const day = new Date(startMs).toISOString().slice(0, 10);
const hostile = '"><script>alert(1)</script>';

describe('labels of the console', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;
  let token: string;
  let keys = 0;
  const newKey = (): string => `key-${(keys += 1)}-0000`;
  const queue = async (more = ''): Promise<LabelQueueAnswer> =>
    (await world.get(`/api/v1/labels/queue?policy=${policy}&from=2026-06-01&to=2026-06-04${more}`))
      .body as unknown as LabelQueueAnswer;
  const labelsOf = async (episodeId: string): Promise<LabelsAnswer['items']> =>
    ((await world.get(`/api/v1/labels?policy=${policy}&episode=${episodeId}`)).body as unknown as LabelsAnswer).items;
  const say = (index: number, said: unknown, more: Readonly<Record<string, unknown>> = {}, key = newKey()) => {
    world.monotonicMs += 60_000;
    const body = { policy, reason: 'seen in the replay', episodeId: episodeIdOf(index), day, said, ...more };
    return world.post('/api/v1/labels', body, token, key);
  };
  const stored = async () => (await readHandLabels(world.ports.store)).holding;

  before(async () => {
    world = await openConsoleWorld();
    token = await world.add('olga', 'operator');
    world.facts.nowMs = startMs + 30 * hourMs;
  });
  after(() => world.close());

  it('make no lake where there is none', async () => {
    assert.deepEqual([(await queue()).state, (await queue()).items], ['noLake', []]);
    assert.equal((await say(1, { failureReason: 'slipped' })).status, 409);
    const keysOf: string[] = [];
    for await (const { key } of world.ports.store.list('lake/')) keysOf.push(key);
    assert.deepEqual(keysOf, []);
  });

  it('queue failures by value, the newest first among equals; no success, and nothing of other days', async () => {
    const observations = scitosG5Type.observations.length;
    const shape = { robotId: 'r0', frames: 20, observations };
    const reasons = new Map([
      [1, 'slipped'],
      [2, 'slipped'],
      [4, "an arm's end"],
    ]);
    const at = (index: number, outcome: string, ofTask: string, startedMs = startMs + index * 60_000) => ({
      ...shape,
      ...(reasons.has(index) ? { failureReason: reasons.get(index) ?? '' } : {}),
      episodeId: episodeIdOf(index),
      outcome,
      task: ofTask,
      startedMs,
    });
    await storeEpisodes(world, [
      at(1, 'failure', task),
      at(2, 'failure', task),
      at(3, 'success', task),
      at(4, 'aborted', task),
      at(5, 'failure', task),
      at(6, 'failure', 'a task that nobody knows'),
      at(7, 'failure', task, startMs - 80 * 24 * hourMs),
    ]);
    const { state, items, totalEpisodes, labelledEpisodes, totalFrames, failureReasons } = await queue();
    assert.deepEqual(failureReasons, ['slipped', "an arm's end"]);
    assert.equal(state, 'read');
    assert.deepEqual(
      items.map(({ episodeId }) => episodeId),
      [5, 2, 1, 4].map(episodeIdOf),
    );
    // Every fifth frame was corrected by the robot's expert.
    assert.deepEqual([totalEpisodes, labelledEpisodes, totalFrames, items[0]?.unlabelledFrames], [4, 0, 64, 16]);
    assert.deepEqual(items[1]?.reasons, ['it failed', 'its task failed in 3 of 5 episodes']);
    assert.deepEqual([(await queue('&limit=1')).items.length, (await queue('&limit=1')).totalEpisodes], [1, 4]);
    assert.equal((await world.get(`/api/v1/labels/queue?policy=${policy}&from=2020-01-01&to=2026-06-01`)).status, 400);
    assert.equal((await world.get('/api/v1/labels/queue?policy=nobody')).status, 404);
  });

  it('are kept once with who and why, whether the key or only the words are the same; then wait behind their like', async () => {
    const said = { start: 1, end: 4, action };
    const first = await say(5, said, {}, 'key-first-000');
    assert.equal(first.status, 200, first.text);
    assert.match(String(first.body['answer']), /holds from the next training set on/);
    const again = await say(5, said, {}, 'key-first-000');
    assert.deepEqual([again.body['isRepeated'], again.body['answer']], [true, first.body['answer']]);
    // A page that was loaded again has another key.
    assert.match(String((await say(5, said)).body['answer']), /says the same already: nothing is added \(olga/);
    assert.equal((await say(5, { failureReason: hostile })).status, 200);
    assert.match(String((await say(5, { failureReason: hostile })).body['answer']), /says the same already/);
    assert.deepEqual(
      (await stored()).map((label) => [label.kind, label.who, label.reason]),
      [
        ['frames', 'olga', 'seen in the replay'],
        ['failureReason', 'olga', 'seen in the replay'],
      ],
    );
    assert.deepEqual(
      (await labelsOf(episodeIdOf(5))).map(({ kind }) => kind),
      ['frames', 'failureReason'],
    );
    assert.deepEqual(await labelsOf(episodeIdOf(1)), []);
    const waiting = await queue();
    assert.deepEqual(
      waiting.items.map(({ episodeId }) => episodeId),
      [2, 1, 4, 5].map(episodeIdOf),
    );
    assert.equal(waiting.items[3]?.unlabelledFrames, 13);
    assert.deepEqual(waiting.failureReasons, ['slipped', hostile, "an arm's end"]);
    const audit = (await world.get('/api/v1/audit?limit=100')).body as unknown as AuditAnswer;
    const [asked] = audit.items.filter(({ act }) => act === 'label.add').slice(-1);
    assert.deepEqual(
      [asked?.who, asked?.outcome, asked?.subject.startsWith(`${episodeIdOf(1)}: failed`)],
      ['olga', 'asked', true],
    );
  });

  it('say again what another label has said otherwise since, and are taken back once', async () => {
    const said = { start: 1, end: 4, action };
    const [, second = ''] = scitosG5Type.actions.kind === 'discrete' ? scitosG5Type.actions.names : [];
    assert.match(String((await say(5, { start: 2, end: 3, action: second })).body['answer']), /holds from/);
    assert.match(String((await say(5, said)).body['answer']), /holds from/);
    const before = await labelsOf(episodeIdOf(5));
    const remove = (labelId: string) =>
      world.post(`/api/v1/labels/${labelId}/remove`, { policy, reason: 'it was right' }, token, newKey());
    const last = before.at(-1)?.labelId ?? '';
    for (const _ of [1, 2]) assert.equal((await remove(last)).status, 200);
    assert.deepEqual(await labelsOf(episodeIdOf(5)), before.slice(0, -1));
    assert.equal((await remove('nobody-gave-it')).status, 409);
    assert.equal((await remove('..%2F..')).status, 400);
    // What was taken back can be said again.
    assert.match(String((await say(5, said)).body['answer']), /holds from/);
  });

  it('are refused in words where they do not fit, and by whom they may not be given; nothing is kept', async () => {
    const before = await stored();
    for (const [index, said, more] of [
      [1, { start: 4, end: 4, action }],
      [1, { start: 0, end: 21, action }],
      [1, { start: 0, end: 2, action: 'constructor' }],
      [1, { start: 0, end: 2, action: [1] }],
      [1, { start: 0.5, end: 2, action }],
      [1, { start: -1, end: 2, action }],
      [1, { start: 0, end: 2 }],
      [1, { failureReason: '' }],
      [1, { failureReason: ' ' }],
      [1, { failureReason: 'x', action }],
      [1, null],
      [99, { failureReason: 'slipped' }],
      [1, { failureReason: 'slipped' }, { day: '2026-06-20' }],
      [1, { failureReason: 'slipped' }, { day: 'soon' }],
      [1, { failureReason: 'slipped' }, { episodeId: "' OR 1=1 --" }],
      [1, { failureReason: 'slipped' }, { reason: ' ' }],
    ] as const) {
      const answer = await say(index, said, more);
      assert.ok([400, 409].includes(answer.status), `${JSON.stringify(said)} ${answer.text}`);
    }
    const body = { policy, reason: 'r', episodeId: episodeIdOf(1), day, said: { failureReason: 'slipped' } };
    assert.equal((await world.post('/api/v1/labels', body, world.token, newKey())).status, 403);
    assert.deepEqual(await stored(), before);
  });
});
