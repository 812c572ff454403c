import assert from 'node:assert/strict';

import { segmentName, segmentsToDrop, type ShelvedSegment } from '../../../fleet/agent/recording/segment-shelf.ts';
import type { Worth } from '../../../fleet/agent/recording/spooled-episodes.ts';
import { storedEpisodes } from './lives.ts';
import { robotWorld } from './robot-world.ts';
import { recordEpisode, until } from './robot.ts';

const segment = (number: number, worth: Worth, sizeBytes = 10): ShelvedSegment => ({
  name: segmentName(String(number).padStart(12, '0'), worth, 1, 'a'.repeat(64)),
  worth,
  episodes: 1,
  sha256: 'a'.repeat(64),
  sizeBytes,
});
const short = ({ name }: ShelvedSegment): string => name.slice(10, 20);

describe('the disk quota', () => {
  it('takes plain successes first, then what was aborted, lessons last, in each the oldest first', () => {
    const shelf = [
      segment(1, 'lesson'),
      segment(2, 'success'),
      segment(1, 'success'),
      segment(3, 'aborted'),
      segment(4, 'success'),
    ];
    assert.deepEqual(segmentsToDrop(shelf, 1_000).map(short), [
      '01.success',
      '02.success',
      '04.success',
      '03.aborted',
      '01.lesson.',
    ]);
  });

  it('takes no more than it must, nothing when nothing is too much, and nothing whose upload has begun', () => {
    const shelf = [segment(1, 'success'), segment(2, 'success'), segment(3, 'success')];
    assert.deepEqual(segmentsToDrop(shelf, 11).map(short), ['01.success', '02.success']);
    assert.deepEqual(segmentsToDrop(shelf, 0), []);
    const first = shelf[0]!.name;
    assert.deepEqual(segmentsToDrop(shelf, 1, (name) => name === first).map(short), ['02.success']);
  });

  describe('of a robot that is offline for long', () => {
    const world = robotWorld({ limits: { rotateBytes: 1, quotaBytes: 40_000 } });

    it('keeps failures and corrections, and reports what it dropped to the unit', async () => {
      let agent = await world.open();
      await until('connected', () => agent.status().isConnected);
      world.gateway.refuse = () => 503;
      const made = { lessons: new Set<string>(), successes: new Set<string>() };
      for (let index = 0; index < 16; index++) {
        const isLesson = index % 4 === 1;
        const id = agent.beginEpisode();
        (isLesson ? made.lessons : made.successes).add(id);
        await recordEpisode(
          agent,
          isLesson && index % 8 === 1 ? { corrections: 2 } : { outcome: isLesson ? 'failure' : 'success' },
        );
        await agent.settle();
      }
      const { droppedEpisodes, waitingBytes } = agent.status();
      assert.ok(droppedEpisodes > 0, 'expected the quota to be reached');
      assert.ok(waitingBytes <= 40_000, `expected at most 40000 bytes, got ${waitingBytes}`);
      await agent.crash();
      agent = await world.open();
      assert.equal(agent.status().droppedEpisodes, droppedEpisodes, 'the count survives a restart');
      world.gateway.refuse = () => undefined;
      await until('all sent', () => agent.status().waitingSegments === 0 && agent.status().waitingTelemetry === 0);
      const stored = await storedEpisodes(world.gateway, world.directory);
      const ids = new Set(stored.map(({ id }) => id));
      assert.deepEqual(
        [...made.lessons].filter((id) => !ids.has(id)),
        [],
      );
      const dropped = [...world.gateway.entries.values()].filter((entry) => entry.kind === 'dropped');
      const sum = dropped.reduce((total, entry) => total + (entry.kind === 'dropped' ? entry.successes : 0), 0);
      assert.equal(sum, droppedEpisodes);
      assert.equal(stored.length + sum, made.lessons.size + made.successes.size);
      const kept = [...made.successes].filter((id) => ids.has(id));
      const oldestFirst = [...made.successes].slice(-kept.length + 1);
      assert.ok(
        oldestFirst.every((id) => ids.has(id)),
        'the oldest successes went first (one may have been on its way)',
      );
      await until('heard', () => world.gateway.heartbeats.at(-1)?.droppedEpisodes === droppedEpisodes);
    });
  });
});
