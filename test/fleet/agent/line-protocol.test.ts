import assert from 'node:assert/strict';

import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { createLineProtocol, type LineProtocol } from '../../../fleet/agent/line-protocol.ts';
import { robotWorld } from './robot-world.ts';
import { frameAt } from './robot.ts';

interface Answer {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: string;
  readonly event?: string;
  readonly stop?: number;
}

describe('a robot’s program that speaks lines', () => {
  const maxEpisodeFrames = 3;
  const robotType = { ...scitosG5Type, limits: { ...scitosG5Type.limits, maxEpisodeFrames } };
  const world = robotWorld({ robotType });
  let answers: Answer[];
  let lines: LineProtocol;
  beforeEach(() => {
    answers = [];
    lines = createLineProtocol((line) => answers.push(JSON.parse(line) as Answer), { robotType, maxImageBytes: 1 });
  });
  const say = async (line: object): Promise<Answer | undefined> => {
    await lines.handle(world.agent!, JSON.stringify(line));
    return answers.at(-1);
  };

  it('hears of each frame that is not kept: nothing is acknowledged that is discarded', async () => {
    const agent = await world.open();
    const record = (index: number) => say({ do: 'record', id: index, ...frameAt(index) });
    for (let index = 0; index < maxEpisodeFrames; index += 1)
      assert.deepEqual(await record(index), { id: index, result: null });
    assert.match((await record(3))?.error ?? '', /the frame is discarded: the agent has ended its episode/);
    assert.match((await say({ do: 'correct', id: 4, ...frameAt(4), expertAction: [1] }))?.error ?? '', /discarded/);
    assert.match((await say({ do: 'intervene', id: 5 }))?.error ?? '', /discarded/);
    await say({ do: 'record', ...frameAt(6) });
    assert.deepEqual([answers.length, answers.at(-1)?.id], [7, null], 'a frame without an id, too');
    const { discardedFrames, lostFrames } = agent.status();
    assert.deepEqual([discardedFrames, lostFrames], [4, 0]);
    assert.deepEqual(await say({ do: 'endEpisode', id: 7, outcome: 'success' }), { id: 7, result: false });
    assert.deepEqual(await record(8), { id: 8, result: null }, 'and the next episode is none of it');
  });

  it('answers one safe stop at a time: what comes late is not taken for the answer to the next', async () => {
    await world.open();
    const order: string[] = [];
    const first = lines.onSafeStop().then(() => order.push('first'));
    const second = lines.onSafeStop().then(() => order.push('second'));
    assert.deepEqual(answers, [
      { event: 'safeStop', stop: 1 },
      { event: 'safeStop', stop: 2 },
    ]);
    assert.match((await say({ do: 'stopped', id: 1, stop: 1 }))?.error ?? '', /answer to safe stop 2, got that to 1/);
    assert.match((await say({ do: 'stopped', id: 1, stop: 9 }))?.error ?? '', /answer to safe stop 2, got that to 9/);
    assert.deepEqual(order, []);
    assert.deepEqual(await say({ do: 'stopped', id: 2, stop: 2 }), { id: 2, result: null });
    await second;
    assert.deepEqual(order, ['second']);
    const third = lines.onSafeStop();
    assert.deepEqual(await say({ do: 'stopped', id: 3 }), { id: 3, result: null });
    await third;
    // A program of before does not say which: the last one is meant. The first was given up by the agent long ago.
    void first;
  });
});
