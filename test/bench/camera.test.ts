import assert from 'node:assert/strict';

import { measureCamera } from '../../bench/camera.ts';

describe('the camera benchmark', () => {
  it('drives the same episodes with and without images and relates both', async () => {
    const lines: string[] = [];
    const progress = (line: string): void => void lines.push(line);
    const result = await measureCamera({ seed: 1, width: 64, height: 48, episodes: 12, rounds: 1, progress });
    assert.equal(result.framesPerEpisode, 60);
    assert.ok(result.episodesPerSecond > 0 && result.withoutEpisodesPerSecond > 0);
    assert.equal(result.ratio, result.episodesPerSecond / result.withoutEpisodesPerSecond);
    assert.ok(result.cameraCpuUsPerFrame > 0 && result.cpuMsPerEpisode > 0.06 * result.cameraCpuUsPerFrame);
    assert.match(lines[0] ?? '', /^round 1: \d+ episodes a second/);
  }).timeout(120_000);
});
