import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { commandTrainer } from '../../activities/adapters/command-trainer.ts';
import { trainModel } from '../../activities/training/train-model.ts';
import { trainingWorld } from '../activities/training/training-world.ts';
import { toolForTest } from '../support/tool.ts';

const trainers = fileURLToPath(new URL('../../trainers', import.meta.url));
const launcher = path.join(trainers, 'launcher');
const standin = path.join(launcher, 'tests/standin.py');

describe('trainings on a cluster', () => {
  it('survive whatever the stand-in for a cluster does', async function () {
    const python = await toolForTest(this, 'python');
    const child = spawn(python, ['-m', 'unittest', 'discover', '-s', 'tests'], {
      cwd: launcher,
      env: { ...process.env, PYTHONPATH: 'src', PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, said);
    assert.match(said, /Ran 12 tests/);
  });

  it('give the same model after a preemption and the loss of a machine as in peace', async function () {
    const python = await toolForTest(this, 'python-torch');
    const world = await trainingWorld();
    try {
      const at = (name: string): string => path.join(world.ports.scratchDirectory, name);
      await mkdir(at('cluster'));
      await writeFile(at('cluster/faults.json'), JSON.stringify(['preempt', 'lose']));
      const stands = [python, standin];
      await writeFile(
        at('cluster.json'),
        JSON.stringify({
          shared: at('shared'),
          submit: [...stands, 'submit', '{script}'],
          poll: [...stands, 'poll', '{id}'],
          cancel: [...stands, 'cancel', '{id}'],
          run: [python, '-m', 'flywheel_pytorch'],
          states: { waiting: ['PENDING'], running: ['RUNNING'] },
          pollSeconds: 0.2,
        }),
      );
      const environment = {
        PYTHONPATH: [path.join(launcher, 'src'), path.join(trainers, 'pytorch/src')].join(path.delimiter),
        PYTHONDONTWRITEBYTECODE: '1',
        OMP_NUM_THREADS: '1',
        STANDIN_CLUSTER: at('cluster'),
      };
      const command = (words: readonly string[]) => commandTrainer(words, { environment });
      const train = (runId: string, words: readonly string[]) =>
        trainModel({ ...world.ports, trainers: { ...world.ports.trainers, command } })({
          runId,
          trainingSetDigest: world.trainingSetDigest,
          robotType: world.robotType,
          seed: 3,
          hyperparameters: { maxSteps: 600, evaluateEverySteps: 100, checkpointEverySeconds: 0.1 },
          trainer: { kind: 'command', command: words },
        });
      const whole = await train('whole', [python, '-m', 'flywheel_pytorch']);
      const onCluster = await train('on-cluster', [python, '-m', 'flywheel_launcher', at('cluster.json')]);
      assert.equal(onCluster.modelSha256, whole.modelSha256);
      const states = await Promise.all(
        [1, 2, 3].map((number) => readFile(at(`cluster/job-${number}`), 'utf8').catch(() => 'none')),
      );
      assert.deepEqual(states, ['PREEMPTED', 'NODE_FAIL', 'COMPLETED']);
    } finally {
      await world.close();
    }
  });
});
