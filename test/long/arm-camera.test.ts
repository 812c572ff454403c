import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { commandTrainer } from '../../activities/adapters/command-trainer.ts';
import { concludeCollection } from '../../activities/collection/conclude-collection.ts';
import { ingestBatch } from '../../activities/collection/ingest-batch.ts';
import { planCollection } from '../../activities/collection/plan-collection.ts';
import { checkModel } from '../../activities/evaluation/check-model.ts';
import { evaluateCandidate } from '../../activities/evaluation/evaluate-candidate.ts';
import { openLake } from '../../activities/lake/lake.ts';
import { exportHeldoutSet } from '../../activities/mix/export-heldout-set.ts';
import { mixExperience } from '../../activities/mix/mix-experience.ts';
import { promoteWithoutTrial } from '../../activities/registry/promote-without-trial.ts';
import { readPolicy } from '../../activities/registry/read-policy.ts';
import { registerCandidate } from '../../activities/registry/register-candidate.ts';
import { trainModel } from '../../activities/training/train-model.ts';
import { fleetPolicy as policy, openFleet, type OpenFleet } from '../../bench/fleet/open-fleet.ts';
import { pushArmCameraType as type } from '../../datasets/built-in-robot-types.ts';
import { trainingSetFile, type TrainingSetManifest } from '../../datasets/training-set.ts';
import { pytorchOf } from '../../demo/pytorch.ts';
import { championDesk, readTelemetry } from '../../fleet/desk/index.ts';
import { tinyPolicy } from '../../policies/tiny-policy.ts';
import { openEngine, openJudging, openModelProbe } from '../../workers/compose.ts';
import { succeeds } from '../support/python-client.ts';
import { toolForTest } from '../support/tool.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const clients = ['python', 'mujoco'].map((name) => path.join(root, 'clients', name, 'src')).join(path.delimiter);
const robotType = { id: type.id, version: type.version };
const cameras = ['wrist'];
const arms = 4;
const threads = 2;
const seed = 1;
/** Of each arm, before and after it learns. */
const episodes = { learned: 60, judged: 15 };
/** Reaching alone: pushing takes more than one cycle even of an arm that reads where the puck is. */
const scenario = { world: { kind: 'arm', tasks: ['reach'] }, framesPerEpisode: 80 };
const chunk = { horizon: 8, execute: 4 };
const hyperparameters = { network: 'cnn', maxSteps: 2000, evaluateEverySteps: 200 };
/** Of success. An arm that sees nothing meets the target by chance. */
const leastGain = 0.5;

/** What the program of the arms says at its end. */
interface Lived {
  readonly episodes: number;
  readonly frames: number;
  readonly images: number;
  readonly lostImages: number;
  readonly waitingBytes: number;
}

describe('arms with a wrist camera', () => {
  let fleet: OpenFleet;
  let gatewayUrl: string;
  let python: { readonly mujoco: string; readonly torch: string };
  before(async function () {
    python = { mujoco: await toolForTest(this, 'python-mujoco'), torch: await toolForTest(this, 'python-torch') };
    fleet = await openFleet(arms, tinyPolicy(type, seed), type);
    await mkdir(inFleet('scratch-of-worker'));
    await writeFile(inFleet('robots.json'), JSON.stringify(fleet.robots));
    await writeFile(inFleet('root.json'), fleet.rootDocument);
    ({ url: gatewayUrl } = await fleet.startGateway());
  });
  after(() => fleet.close());

  const inFleet = (name: string): string => path.join(fleet.directory, name);

  /** Every arm lives so many episodes, and brings in all that it recorded. In some the expert drives. */
  async function live(count: number, taughtFraction: number, tables: number): Promise<Lived> {
    await writeFile(inFleet('scenario.json'), JSON.stringify({ ...scenario, taughtFraction }));
    const options = {
      gateway: gatewayUrl,
      robots: inFleet('robots.json'),
      root: inFleet('root.json'),
      dir: inFleet('robots'),
      scenario: inFleet('scenario.json'),
      'robot-type': 'push-arm-camera@1',
      episodes: String(count),
      seed: String(tables),
      'contact-seconds': '1',
      'drain-seconds': '900',
    };
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const agent = [process.execPath, path.join(root, 'cli/start.mjs')];
    const said = await succeeds(python.mujoco, ['-m', 'flywheel_mujoco', ...words, '--json'], {
      env: {
        PYTHONPATH: clients,
        MUJOCO_GL: process.env['MUJOCO_GL'] ?? 'egl',
        FLYWHEEL_AGENT_COMMAND: agent.map((word) => `'${word}'`).join(' '),
      },
    });
    return JSON.parse(/^\{.*\}$/m.exec(said)?.[0] ?? assert.fail(said)) as Lived;
  }

  /** What robots told the gateway of a version's own episodes. */
  async function told(version: string) {
    let [count, successes, decided] = [0, 0, 0];
    for await (const { entry } of readTelemetry(fleet.store, policy, Date.now() - 3_600_000, Date.now() + 60_000)) {
      if (entry.kind !== 'episode' || entry.policyVersion !== version || entry.intervened) continue;
      count += 1;
      successes += entry.outcome === 'success' ? 1 : 0;
      decided += entry.latencyParts === undefined ? 0 : 1;
    }
    return { episodes: count, successFraction: successes / count, episodesThatDecodedImages: decided };
  }

  async function openPorts() {
    const scratchDirectory = inFleet('scratch-of-worker');
    const { store, sealing } = fleet;
    const engine = await openEngine({ scratchDirectory, threads, sqlMemoryMiB: 1024 });
    const judging = await openJudging({ threads, trainerCommands: [] });
    const { environment } = pytorchOf(python.torch);
    return {
      ...judging,
      trainers: {
        onnx: judging.trainers.onnx,
        command: (words: readonly string[]) => commandTrainer(words, { environment }),
      },
      store,
      engine,
      lake: openLake({ store, engine, clock: Date.now, stagingDirectory: scratchDirectory }),

      probe: await openModelProbe(),
      desk: championDesk({ store, sealing }),
      signer: sealing.signer,
      clock: Date.now,
      codeBuild: 'test',
      progress: () => undefined,
      scratchDirectory,
    };
  }
  type Ports = Awaited<ReturnType<typeof openPorts>>;

  async function collect(ports: Ports, cycleId: string) {
    const startedFrom = await ports.lake.currentVersion();
    const { manifestKey, batches } = await planCollection(ports)({ cycleId, robotType });
    for (let batch = 0; batch < batches; batch += 1)
      await ingestBatch(ports)({ cycleId, manifestKey, batch, robotType });
    const collected = await concludeCollection(ports)({ cycleId, manifestKey, robotType, startedFrom });
    return { ...collected, startedFrom };
  }

  /** As a cycle does: a set with images, a training, every gate, and the version. */
  async function learn(
    ports: Ports,
    cycleId: string,
    { datasetVersion, startedFrom }: Awaited<ReturnType<typeof collect>>,
  ) {
    const wanted = { cycleId, robotType, datasetVersion, newSince: startedFrom, seed, cameras, horizon: chunk.horizon };
    const { digest: trainingSetDigest, trainRows } = await mixExperience(ports)(wanted);
    const manifest = await fleet.store.get(trainingSetFile(trainingSetDigest, 'manifest.json'));
    const { images } = JSON.parse(Buffer.from(manifest ?? assert.fail()).toString()) as TrainingSetManifest;
    assert.deepEqual([images?.cameras.map(({ name }) => name), images?.leftOut], [cameras, []]);
    const trained = await trainModel(ports)({
      runId: cycleId,
      trainingSetDigest,
      robotType,
      seed,
      cameras,
      ...chunk,
      hyperparameters,
      trainer: { kind: 'command', command: pytorchOf(python.torch).command },
    });
    const { modelKey, modelSha256 } = trained;
    const alone = await checkModel(ports)({ key: modelKey, robotType });
    assert.equal(alone.passed, 'pass', JSON.stringify(alone.gates));
    assert.deepEqual([alone.cameras?.map(({ name }) => name), alone.horizon], [cameras, chunk.execute]);
    const heldout = await exportHeldoutSet(ports)({
      robotType,
      datasetVersion,
      cameras,
      history: chunk.execute,
      runs: true,
      imageWindows: [{ steps: chunk.execute, images: 1 }],
    });
    const { champion = assert.fail() } = (await readPolicy(ports)({ policy })).aliases;
    const evaluationKey = `evaluations/${cycleId}/evaluation.json`;
    const candidate = { policy, robotType, trainingSetDigest, modelKey, evaluationKey };
    const heldoutDigest = heldout.digest;
    const judged = await evaluateCandidate(ports)({ ...candidate, heldoutDigest, bootstrap: true, champion });
    assert.equal(judged.passed, 'pass', JSON.stringify(judged.gates));
    const { hyperparameters: used, validationLoss, steps } = trained;
    const { goldenKey, accuracyFraction } = judged;
    const made = { operationId: cycleId, modelSha256, goldenKey, datasetVersion, seed, hyperparameters: used };
    const { version } = await registerCandidate(ports)({ ...candidate, ...made });
    return { champion, version, trainRows, validationLoss, steps, accuracyFraction };
  }

  it('learn to reach from their clips, by PyTorch, and decide by what they see', async () => {
    const recorded = await live(episodes.learned, 0.5, seed);
    assert.equal(recorded.episodes, arms * episodes.learned);
    assert.deepEqual([recorded.lostImages, recorded.waitingBytes], [0, 0]);
    // One with every second frame, the first included.
    const most = (recorded.frames + recorded.episodes) / 2;
    assert.ok(recorded.images >= recorded.frames / 2 && recorded.images <= most, JSON.stringify(recorded));

    const ports = await openPorts();
    const collected = await collect(ports, 'arms');
    const { episodesStored, quarantinedEpisodes, quarantinedSegments, reason } = collected;
    assert.deepEqual([episodesStored, quarantinedEpisodes, quarantinedSegments], [recorded.episodes, 0, 0], reason);
    const learned = await learn(ports, 'arms', collected);
    const { champion, version } = learned;

    const { assignmentSeq } = await readPolicy(ports)({ policy });
    const by = { policy, operationId: 'arms', who: 'test', why: 'it learned to see' };
    const asked = {
      candidateVersion: version,
      bootstrap: true,
      gates: 'pass',
      assignmentSeq: assignmentSeq + 1,
    } as const;
    const decision = await promoteWithoutTrial(ports)({ ...by, ...asked });
    assert.equal(decision.kind, 'promote', decision.reason);

    const lived = await live(episodes.judged, 0, seed + 1);
    const [before, after] = [await told(champion), await told(version)];
    console.log(JSON.stringify({ recorded, learned, before, after }));
    // An arm may begin its first episode before it has heard of the new version.
    assert.ok(after.episodes >= lived.episodes - arms, JSON.stringify({ lived, before, after }));
    assert.equal(after.episodesThatDecodedImages, after.episodes);
    assert.equal(before.episodesThatDecodedImages, 0);
    assert.ok(after.successFraction >= before.successFraction + leastGain, JSON.stringify({ before, after }));
  });
});
