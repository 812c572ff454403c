import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { commandTrainer, type CommandTrainerOptions } from '../../../activities/adapters/command-trainer.ts';
import { evaluateCandidate } from '../../../activities/evaluation/evaluate-candidate.ts';
import { isFailure, type FailureType } from '../../../store/failures.ts';
import { trainModel, type TrainModelInput, type TrainModelPorts } from '../../../activities/training/train-model.ts';
import type { CheckpointStore, Trainer } from '../../../activities/ports/trainer.ts';
import { toolForTest } from '../../support/tool.ts';
import { trainingWorld } from './training-world.ts';

const example = fileURLToPath(new URL('../../../docs/examples/command_trainer.py', import.meta.url));

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
};

/** Stores its first checkpoint and is gone. */
const killing = (command: readonly string[]): Trainer => ({
  train: (job, progress) => {
    const save: CheckpointStore['save'] = async (step, body) => {
      await job.checkpoints.save(step, body);
      throw new Error(`killed at ${step}`);
    };
    return commandTrainer(command, { graceMs: 0 }).train(
      { ...job, checkpoints: { ...job.checkpoints, save } },
      progress,
    );
  },
});

const fails = (work: Promise<unknown>, type: FailureType, text: RegExp): Promise<void> =>
  assert.rejects(work, (error: Error) => {
    assert.ok(isFailure(error, type), String(error));
    assert.match(error.message, text);
    return true;
  });

describe('the command trainer', () => {
  let world: Awaited<ReturnType<typeof trainingWorld>>;
  beforeEach(async () => {
    world = await trainingWorld();
  });
  afterEach(() => world.close());

  const input = (command: readonly string[], changes: Partial<TrainModelInput> = {}): TrainModelInput => ({
    runId: 'run-1',
    trainingSetDigest: world.trainingSetDigest,
    robotType: world.robotType,
    seed: 3,
    trainer: { kind: 'command', command: [...command] },
    ...changes,
  });
  /** A training program in JavaScript; `job` is the job file, `say` prints a line of the contract. */
  const script = async (body: string): Promise<readonly string[]> => {
    const path = join(world.ports.scratchDirectory, 'trainer.mjs');
    await writeFile(
      path,
      `import { readFileSync, writeFileSync } from 'node:fs';
       import { spawn } from 'node:child_process';
       const job = JSON.parse(readFileSync(process.argv[2], 'utf8'));
       const say = (event, facts) => console.log(JSON.stringify({ event, ...facts }));
       ${body}`,
    );
    return [process.execPath, path];
  };
  const run = (command: readonly string[], ports: Partial<TrainModelPorts> = {}, options: CommandTrainerOptions = {}) =>
    trainModel({
      ...world.ports,
      trainers: { ...world.ports.trainers, command: (given) => commandTrainer(given, options) },
      ...ports,
    })(input(command));
  it('gives the program its own folder and a clean environment, with what is configured', async () => {
    process.env['FLYWHEEL_TEST_SECRET'] = 'webhook';
    try {
      const seen = await script(`
        writeFileSync(job.modelPath, JSON.stringify({ environment: process.env, folder: process.cwd() }));
        say('done', { steps: 1, validationLoss: 1 });`);
      const { modelKey } = await run(seen, {}, { environment: { OMP_NUM_THREADS: '4' } });
      const { environment, folder } = JSON.parse(Buffer.from((await world.store.get(modelKey))!).toString()) as {
        environment: Record<string, string>;
        folder: string;
      };
      const { PATH, HOME, TMPDIR, OMP_NUM_THREADS, ...rest } = environment;
      assert.deepEqual([PATH, OMP_NUM_THREADS, rest], ['/usr/local/bin:/usr/bin:/bin', '4', {}]);
      assert.ok(folder.endsWith('train-run-1'), folder);
      assert.deepEqual([HOME, TMPDIR], [folder, folder]);
    } finally {
      delete process.env['FLYWHEEL_TEST_SECRET'];
    }
  });

  it('gives the program its job and takes model, curve and settings from it', async () => {
    const command = await script(`
      console.log('chatter that is no line of the contract');
      say('progress', { step: 1 });
      say('evaluation', { step: 1, trainLoss: 1, validationLoss: 0.5, validationAgreementFraction: 0.75 });
      writeFileSync(job.modelPath, JSON.stringify(job));
      say('done', { steps: 1, validationLoss: 0.5, validationAgreementFraction: 0.75, settings: { depth: 3 } });`);
    const result = await run(command);
    assert.deepEqual([result.steps, result.validationLoss, result.hyperparameters], [1, 0.5, { depth: 3 }]);
    const job = JSON.parse(new TextDecoder().decode(await world.store.get(result.modelKey))) as Record<string, unknown>;
    assert.deepEqual([job['contract'], job['seed'], job['trainRows'], job['resumeFrom']], [1, 3, 600, null]);
    assert.ok(!('horizon' in job) && !('execute' in job));
    const metrics = JSON.parse(new TextDecoder().decode(await world.store.get(result.metricsKey))) as {
      curve: unknown[];
    };
    assert.equal(metrics.curve.length, 1);
  });

  it('tells the program of contract 2 how many actions to learn, and how many of them to answer', async () => {
    const command = await script(`
      writeFileSync(job.modelPath, JSON.stringify(job));
      say('done', { steps: 1, validationLoss: 0.5, settings: {} });`);
    const told = async (runId: string, changes: Partial<TrainModelInput>) => {
      const { modelKey } = await trainModel(world.ports)(input(command, { runId, ...changes }));
      const job = JSON.parse(new TextDecoder().decode(await world.store.get(modelKey))) as Record<string, unknown>;
      return [job['contract'], job['horizon'], job['execute']];
    };
    assert.deepEqual(await told('chunk-1', { horizon: 8 }), [2, 8, 8]);
    assert.deepEqual(await told('chunk-2', { horizon: 8, execute: 3 }), [2, 8, 3]);
    await assert.rejects(told('chunk-3', { horizon: 2, execute: 3 }), /at most the 2 actions of the horizon/);
    await assert.rejects(told('chunk-4', { execute: 3 }), /expected a horizon/);
  });

  it('keeps what the program says about its start and its waits', async () => {
    const command = await script(`
      writeFileSync(job.modelPath, 'x');
      say('done', { steps: 1, validationLoss: 1, warmStart: 'cold: another network', dataWaitFraction: 0.25 });`);
    const { metricsKey } = await run(command);
    const metrics = JSON.parse(new TextDecoder().decode(await world.store.get(metricsKey))) as Record<string, unknown>;
    assert.deepEqual([metrics['warmStart'], metrics['dataWaitFraction']], ['cold: another network', 0.25]);
  });

  it('goes on from the last of several checkpoints of one step', async () => {
    const command = await script(`
      if (job.resumeFrom === null) {
        for (const part of ['first', 'second', 'third', 'fourth']) {
          writeFileSync(job.checkpointDirectory + '/' + part, part);
          say('checkpoint', { step: 5, path: job.checkpointDirectory + '/' + part });
        }
        process.exitCode = 75;
      } else {
        writeFileSync(job.modelPath, readFileSync(job.resumeFrom.path));
        say('done', { steps: 5, validationLoss: 1 });
      }`);
    await fails(run(command), 'TrainerFailed', /ended with 75/);
    const { modelKey } = await run(command);
    assert.equal(new TextDecoder().decode(await world.store.get(modelKey)), 'fourth');
  });

  it('passes over a checkpoint that the program has replaced by a later one meanwhile, and over none else', async () => {
    const told = (names: readonly string[]) =>
      script(`
        const at = (name) => job.checkpointDirectory + '/' + name;
        writeFileSync(at('second'), 'second');
        for (const name of ${JSON.stringify(names)}) say('checkpoint', { step: 5, path: at(name) });
        process.exitCode = 75;`);
    await fails(run(await told(['first', 'second'])), 'TrainerFailed', /ended with 75/);
    const keys: string[] = [];
    for await (const { key } of world.store.list('training-runs/run-1/checkpoints/')) keys.push(key);
    assert.equal(keys.length, 1);
    await fails(run(await told(['second', 'first'])), 'TrainerFailed', /checkpoints\/first/);
  });

  it('shows the program’s progress in its heartbeats', async () => {
    const seen: unknown[] = [];
    const command = await script(`
      say('progress', { step: 41, maxSteps: 90 });
      // What was planned stays known; a number that cannot be is not told, and no fault.
      setTimeout(() => say('progress', { step: 42, maxSteps: 'many' }), 700);
      setTimeout(() => { writeFileSync(job.modelPath, 'x'); say('done', { steps: 42, validationLoss: 1 }); }, 1500);`);
    await run(command, { progress: ({ step, maxSteps }) => void seen.push(`${String(step)} of ${String(maxSteps)}`) });
    assert.ok(seen.includes('41 of 90') && seen.includes('42 of 90'), seen.join(', '));
  });

  it('hands the last checkpoint to the next attempt after the program died', async () => {
    const command = await script(`
      const step = job.resumeFrom === null ? 0 : Number(readFileSync(job.resumeFrom.path, 'utf8'));
      if (step >= 20) { writeFileSync(job.modelPath, 'resumed at ' + step); say('done', { steps: step, validationLoss: 1 }); }
      else {
        const path = job.checkpointDirectory + '/' + (step + 10);
        writeFileSync(path, String(step + 10));
        say('checkpoint', { step: step + 10, path });
        console.error('lost the GPU'); process.exit(1);
      }`);
    await fails(run(command), 'TrainerFailed', /ended with 1: lost the GPU.*\[command=/s);
    await fails(run(command), 'TrainerFailed', /lost the GPU/);
    const { modelKey } = await run(command);
    assert.equal(new TextDecoder().decode(await world.store.get(modelKey)), 'resumed at 20');
  });

  it('says what the program said last, and only that much', async () => {
    const command = await script(`console.error('x'.repeat(100000) + 'the end'); process.exitCode = 3;`);
    await assert.rejects(
      run(command),
      (error: Error) => error.message.includes('the end') && error.message.length < 6000,
    );
  });

  it('does not try again what the program calls impossible, or what cannot be started', async () => {
    await fails(run(await script(`console.error('no rows'); process.exitCode = 65;`)), 'TrainingImpossible', /no rows/);
    await fails(
      trainModel(world.ports)(input(['/no/such/program'], { runId: 'missing' })),
      'TrainingImpossible',
      /can be started/,
    );
  });

  it('wants a model and a last line', async () => {
    await fails(run(await script(`say('done', { steps: 1, validationLoss: 1 });`)), 'TrainerFailed', /got no model/);
    await fails(run(await script(`writeFileSync(job.modelPath, 'x');`)), 'TrainerFailed', /got no line/);
    await fails(run(await script(`say('done', { steps: 'many' });`)), 'TrainerFailed', /steps/);
  });

  it('ends the whole process group when it is cancelled, also a program that does not want to', async () => {
    const pids = join(world.ports.scratchDirectory, 'pids');
    const command = await script(`
      process.on('SIGTERM', () => {});
      const helper = spawn('sleep', ['600'], { stdio: 'ignore' });
      writeFileSync(${JSON.stringify(pids)}, process.pid + ' ' + helper.pid);
      setInterval(() => say('progress', { step: 1 }), 100);`);
    let isCancelled = false;
    const training = run(
      command,
      {
        progress: () => {
          if (isCancelled) throw new Error('cancelled');
        },
      },
      { graceMs: 100 },
    );
    const ended = assert.rejects(training, /cancelled/);
    const read = async (): Promise<number[]> =>
      (await readFile(pids, 'utf8').catch(() => '')).split(' ').filter(Boolean).map(Number);
    await until(async () => (await read()).length === 2);
    isCancelled = true;
    await ended;
    for (const pid of await read()) await until(() => !isAlive(pid));
  });

  it('ends a program that falls silent', async () => {
    const command = await script(`setInterval(() => {}, 1000);`);
    await fails(run(command, {}, { silenceLimitMs: 300, graceMs: 100 }), 'TrainerFailed', /at least every 0\.3 s/);
  });

  it('trains with the Python example to a model that passes the gates, exactly again after a kill', async function () {
    const python = await toolForTest(this, 'python');
    this.timeout(120_000);
    const settings = { maxSteps: 400, evaluateEverySteps: 100, checkpointEverySteps: 100 };
    const train = (runId: string, ports: Partial<TrainModelPorts> = {}) =>
      trainModel({ ...world.ports, ...ports })(input([python, example], { runId, hyperparameters: settings }));
    const whole = await train('whole');
    await fails(
      train('killed', { trainers: { ...world.ports.trainers, command: killing } }),
      'TrainerFailed',
      /killed at 100/,
    );
    assert.equal((await train('killed')).modelSha256, whole.modelSha256);

    const judged = await evaluateCandidate(world.ports)({
      modelKey: whole.modelKey,
      policy: 'p',
      robotType: world.robotType,
      heldoutDigest: world.heldoutDigest,
      trainingSetDigest: world.trainingSetDigest,
      bootstrap: true,
      evaluationKey: 'evaluations/python/evaluation.json',
    });
    assert.equal(judged.passed, 'pass', JSON.stringify(judged.gates));
    assert.ok(judged.accuracyFraction! > 0.9);
  });
});
