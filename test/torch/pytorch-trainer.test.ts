import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { commandTrainer } from '../../activities/adapters/command-trainer.ts';
import { sharpPictures } from '../../activities/adapters/sharp-pictures.ts';
import { evaluateCandidate } from '../../activities/evaluation/evaluate-candidate.ts';
import type { CheckpointStore, Trainer } from '../../activities/ports/trainer.ts';
import { trainModel, type TrainModelInput } from '../../activities/training/train-model.ts';
import { probeModel } from '../../policies/evaluation/probe-model.ts';
import { camerasType, imageRows, setCameras } from '../activities/training/image-rows.ts';
import { storeSets } from '../activities/training/stored-sets.ts';
import { trainingWorld } from '../activities/training/training-world.ts';
import { toolForTest } from '../support/tool.ts';

const folder = fileURLToPath(new URL('../../trainers/pytorch', import.meta.url));
const environment = { PYTHONPATH: path.join(folder, 'src'), PYTHONDONTWRITEBYTECODE: '1', OMP_NUM_THREADS: '1' };

describe('the PyTorch trainer', () => {
  let python: string;
  before(async function () {
    python = await toolForTest(this, 'python-torch');
  });

  it('keeps its promises by itself', async () => {
    const child = spawn(python, ['-m', 'unittest', 'discover', '-s', 'tests'], {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, said);
    assert.ok(Number(/Ran (\d+) tests/.exec(said)?.[1]) > 25, said);
    assert.doesNotMatch(said, /skipped/);
  });

  const command = () => [python, '-m', 'flywheel_pytorch'];
  const trainers = (killsAt?: number) => {
    let saved = 0;
    const start = (words: readonly string[]): Trainer => commandTrainer(words, { environment });
    return (words: readonly string[]): Trainer => ({
      train: (job, progress) => {
        const save: CheckpointStore['save'] = async (step, body) => {
          await job.checkpoints.save(step, body);
          saved += 1;
          if (saved === killsAt) throw new Error(`killed at ${step}`);
        };
        return start(words).train({ ...job, checkpoints: { ...job.checkpoints, save } }, progress);
      },
    });
  };

  it('trains as a command: a model that passes the gates, the same bytes after a kill', async () => {
    const world = await trainingWorld();
    try {
      const input = (runId: string): TrainModelInput => ({
        runId,
        trainingSetDigest: world.trainingSetDigest,
        robotType: world.robotType,
        seed: 3,
        hyperparameters: { maxSteps: 300, evaluateEverySteps: 100, checkpointEverySeconds: 0.2 },
        trainer: { kind: 'command', command: command() },
      });
      const train = (runId: string, killsAt?: number) =>
        trainModel({ ...world.ports, trainers: { ...world.ports.trainers, command: trainers(killsAt) } })(input(runId));
      const whole = await train('whole');
      await assert.rejects(train('killed', 2), /killed at \d+/);
      const resumed = await train('killed');
      assert.deepEqual([resumed.modelSha256, resumed.steps], [whole.modelSha256, whole.steps]);
      assert.equal(whole.hyperparameters['network'], 'mlp');
      const judged = await evaluateCandidate(world.ports)({
        modelKey: whole.modelKey,
        policy: 'p',
        robotType: world.robotType,
        heldoutDigest: world.heldoutDigest,
        trainingSetDigest: world.trainingSetDigest,
        bootstrap: true,
        evaluationKey: 'evaluations/torch/evaluation.json',
      });
      assert.equal(judged.passed, 'pass', JSON.stringify(judged.gates.filter(({ outcome }) => outcome === 'fail')));
    } finally {
      await world.close();
    }
  });

  it('trains every network on images to models that pass the gates', async () => {
    const small = camerasType();
    // Of 16 × 12 pixels MobileNet's last planes keep one place, which is not enough to tell left from right.
    const limits = { ...small.limits, maxModelSizeBytes: 16 * 1024 * 1024, minAgreementFraction: 0.1 };
    const type = { ...small, limits };
    const world = await trainingWorld(type);
    try {
      const episodes = [Int32Array.from({ length: 600 }, (_, row) => Math.floor(row / 10))];
      const heldout = imageRows(600, 3);
      heldout.task.forEach((_, row) => (heldout.task[row] = Math.floor(row / 10) % 2));
      const blocks = { train: [imageRows(400, 1)], validation: [imageRows(120, 2)], heldout: [heldout], episodes };
      const digests = await storeSets(world.store, type, { ...blocks, cameras: setCameras });
      const monotonicMs = (): number => performance.now();
      const ports = {
        ...world.ports,
        trainers: { ...world.ports.trainers, command: trainers() },
        probe: {
          probe: async (file: string) => {
            const { readFile } = await import('node:fs/promises');
            const model = await readFile(file);
            const shared = { runtime: world.ports.runtime, monotonicMs, progress: () => undefined };
            return probeModel({ ...shared, model, type, seed: 1, pictures: sharpPictures });
          },
        },
        pictures: sharpPictures,
      };
      for (const network of ['cnn', 'mobilenetv3-small', 'act']) {
        const trained = await trainModel(ports)({
          runId: network,
          trainingSetDigest: digests.trainingSetDigest,
          robotType: world.robotType,
          seed: 3,
          cameras: ['front'],
          hyperparameters: {
            network,
            maxSteps: 80,
            evaluateEverySteps: 40,
            batchSize: 32,
            learningRate: 0.003,
            modelWidth: 32,
          },
          trainer: { kind: 'command', command: command() },
        });
        const judged = await evaluateCandidate(ports)({
          modelKey: trained.modelKey,
          policy: 'p',
          robotType: world.robotType,
          heldoutDigest: digests.heldoutDigest,
          trainingSetDigest: digests.trainingSetDigest,
          bootstrap: true,
          evaluationKey: `evaluations/${network}/evaluation.json`,
        });
        const failed = judged.gates.filter(({ outcome }) => outcome === 'fail');
        assert.deepEqual(failed, [], network);
        if (network !== 'mobilenetv3-small')
          assert.ok(judged.accuracyFraction! > 0.9, `${network}: ${judged.accuracyFraction}`);
      }
    } finally {
      await world.close();
    }
  });
});
