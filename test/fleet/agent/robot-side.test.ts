import assert from 'node:assert/strict';

import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import type { Recording } from '../../../fleet/agent/recording/recording.ts';
import { createRobotSide } from '../../../fleet/agent/robot-side.ts';
import { frameAt } from './robot.ts';

describe('what the robot’s control loop hears', () => {
  const sideOf = (fails: () => never) => {
    const lines: string[] = [];
    let changes = 0;
    let roomAsked = 0;
    const episodes = { isOpen: () => true, frames: () => 1, begin: () => 'episode', frame: fails, intervene: fails };
    const images = { begun: () => undefined };
    const recording = { episodes, images, end: async () => true, noRoom: () => (roomAsked += 1) };
    const side = createRobotSide({
      recording: recording as unknown as Recording,
      robotType: scitosG5Type,
      safeStopTimeoutMs: 10,
      onSafeStop: undefined,
      onChange: () => (changes += 1),
      log: (line) => lines.push(line),
    });
    return { side, lines, changes: () => changes, roomAsked: () => roomAsked };
  };

  for (const code of ['ENOSPC', 'EIO', 'EROFS', 'EDQUOT'])
    it(`is nothing of a disk that fails with ${code}: the frame is counted as lost, and the robot drives on`, () => {
      const { side, lines, changes, roomAsked } = sideOf(() => {
        throw Object.assign(new Error(`${code}: no luck with write`), { code, syscall: 'write' });
      });
      const losses = [side.add(frameAt(0)), side.add(frameAt(1), [1]), side.intervene()];
      assert.deepEqual(losses, ['notWritten', 'notWritten', 'notWritten'], 'nothing is acknowledged that is not kept');
      assert.deepEqual([side.lostFrames(), lines.length, changes()], [3, 3, 3]);
      assert.equal(roomAsked(), code === 'ENOSPC' || code === 'EDQUOT' ? 3 : 0, 'images make room on a full disk');
      assert.match(lines[0] ?? '', new RegExp(`a frame was lost: ${code}`, 'u'));
    });

  it('counts each beginning and end of an episode, so that nothing before them is taken for the same one', async () => {
    const { side } = sideOf(() => assert.fail());
    const counted = [side.episodeBounds()];
    side.begin({});
    counted.push(side.episodeBounds());
    await side.end('success');
    counted.push(side.episodeBounds());
    await side.stopSafely();
    counted.push(side.episodeBounds());
    assert.deepEqual(counted, [0, 1, 2, 3]);
  });

  it('counts whoever takes over as well, at once: nothing that a policy planned before is executed', async () => {
    const { side } = sideOf(() => {
      throw Object.assign(new Error('full'), { syscall: 'write' });
    });
    const counted = [side.runBounds()];
    const count = (): unknown => counted.push(side.runBounds());
    side.add(frameAt(0));
    count();
    side.add(frameAt(1), [1]);
    count();
    side.intervene();
    count();
    side.begin({});
    count();
    const stopping = side.stopSafely();
    count();
    await stopping;
    count();
    assert.deepEqual(counted, [0, 0, 1, 2, 3, 4, 5]);
    assert.equal(side.episodeBounds(), 2);
  });

  it('is what it did wrong itself', () => {
    const { side } = sideOf(() => {
      throw new TypeError('expected observation of 24 numbers, got 3');
    });
    assert.throws(() => side.add(frameAt(0)), /expected observation of 24 numbers, got 3/);
    assert.throws(() => side.intervene(), TypeError);
    assert.equal(side.lostFrames(), 0);
  });
});
