import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ourSteps, pictureCase } from '../../bench/image-training/our-steps.ts';
import { torchSteps } from '../../bench/image-training/torch-steps.ts';

describe('the benchmark of training steps on images', () => {
  const of = pictureCase(16, 24, 10, 1);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flywheel-bench-image-training-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function program(name: string, ...lines: readonly string[]): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
    return path;
  }

  it('runs the steps it says, which learn, the same for the same seed', async () => {
    const first = await ourSteps(of);
    assert.equal(first.losses.length, 10);
    assert.equal(first.milliseconds.length, 3);
    assert.ok(first.losses.at(-1)! < first.losses[0]!, first.losses.join(' '));
    assert.deepEqual((await ourSteps(pictureCase(16, 24, 10, 1))).losses, first.losses);
  });

  it('says what to do where a Python has no torch, or is none', async () => {
    const without = await program('python', 'echo "ModuleNotFoundError: No module named \'torch\'" >&2', 'exit 1');
    await assert.rejects(torchSteps(without, of), {
      message: `expected ${without} to run these steps in PyTorch, got: ModuleNotFoundError: No module named 'torch'. Name a Python that has torch, or leave --python away to measure ours alone`,
    });
    await assert.rejects(torchSteps(join(folder, 'none'), of), /could not be started/);
  });

  it('gives the other program all that makes it the same training', async () => {
    const kept = join(folder, 'job.json');
    const answer = '{"torch": "9.9", "losses": [1], "milliseconds": [2]}';
    const python = await program('echo', `cat > '${kept}'`, `echo '${answer}'`);
    assert.deepEqual(await torchSteps(python, of), JSON.parse(answer));
    const job = JSON.parse(await readFile(kept, 'utf8')) as Record<string, unknown>;
    assert.deepEqual(
      Buffer.from(job['parameters'] as string, 'base64'),
      Buffer.from(of.parameters.buffer, of.parameters.byteOffset, of.parameters.byteLength),
    );
    assert.equal(Buffer.from(job['picture'] as string, 'base64').length, 64 * 16 * 24 * 3);
    assert.equal((job['layers'] as unknown[]).length, of.camera.blocks.length);
    assert.deepEqual([job['steps'], job['batch'], job['denseLayers']], [10, 16, 3]);
  });
});
