import assert from 'node:assert/strict';

import { measureSimulator } from '../../bench/simulator.ts';

describe('the simulator benchmark', () => {
  it('lets two processes of robots live on one gateway and counts every episode', async () => {
    const lines: string[] = [];
    const result = await measureSimulator({
      seed: 1,
      robots: 4,
      episodesPerRobot: 2,
      runs: 1,
      progress: (line) => lines.push(line),
    });
    assert.equal(result.framesPerEpisode, 20);
    assert.ok(result.episodesPerSecond > 0);
    assert.match(lines[0] ?? '', /^run 1: 8 episodes/);
  }).timeout(120_000);
});
