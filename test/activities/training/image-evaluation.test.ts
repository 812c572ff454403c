import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sharpPictures } from '../../../activities/adapters/sharp-pictures.ts';
import { evaluateCandidate } from '../../../activities/evaluation/evaluate-candidate.ts';
import { evaluationSchema, type EvaluationDocument } from '../../../activities/evaluation/evaluation-document.ts';
import { listMisclassified } from '../../../activities/evaluation/list-misclassified.ts';
import { comparedCameras } from '../../../activities/registry/compared-cameras.ts';
import { registerCandidate } from '../../../activities/registry/register-candidate.ts';
import { evaluationBody } from '../../../activities/report/render-evaluation.ts';
import { trainModel } from '../../../activities/training/train-model.ts';
import { onnxProbe } from '../../../activities/adapters/onnx-probe-process.ts';
import { onnxRuntimeProcess } from '../../../activities/adapters/onnx-runtime-process.ts';
import { absoluteGates } from '../../../policies/gates/absolute.ts';
import type { GoldenAnswers } from '../../../policies/golden-answers.ts';
import { exportPolicy } from '../../../policies/export-policy.ts';
import { goldenImagesOf } from '../../../policies/golden-images.ts';
import { createGraph } from '../../../policies/onnx/graph.ts';
import { probeModel } from '../../../policies/evaluation/probe-model.ts';
import { drawPicture, imageKinds, robotImages } from '../../../policies/evaluation/robot-images.ts';
import { policySizes } from '../../../policies/policy-io.ts';
import { randomStream } from '../../../policies/random.ts';
import { runPolicy } from '../../../policies/run-policy.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { readManifest } from '../../../store/records/manifests.ts';
import { testSigner } from '../../support/keys.ts';
import { seeingParts, tinyCamera } from '../../policies/images/tiny-images.ts';
import { runtime } from '../../policies/tiny-training.ts';
import { camerasType, imageRows, setCameras } from './image-rows.ts';
import { storeSets } from './stored-sets.ts';
import { trainingWorld } from './training-world.ts';

const type = camerasType();
const sizes = policySizes(type)!;
const [front, rear] = setCameras;

/** A model of one camera through few weights, as strangers make them. */
const stranger = (camera: { name: string; width: number; height: number }, seed: number): Uint8Array =>
  exportPolicy(seeingParts([tinyCamera(camera.name, { width: camera.width, height: camera.height })], seed), type);

describe('a candidate that sees', () => {
  let world: Awaited<ReturnType<typeof trainingWorld>>;
  let heldoutDigest: string;
  let trainingSetDigest: string;
  let modelKey: string;
  let modelSha256: string;
  let hyperparameters: Readonly<Record<string, unknown>>;

  before(async () => {
    world = await trainingWorld(type);
    const episodes = [Int32Array.from({ length: 600 }, (_, row) => Math.floor(row / 10))];
    const heldout = imageRows(600, 3);
    heldout.task.forEach((_, row) => (heldout.task[row] = Math.floor(row / 10) % 2));
    const blocks = { train: [imageRows(320, 1)], validation: [imageRows(120, 2)], heldout: [heldout], episodes };
    ({ heldoutDigest, trainingSetDigest } = await storeSets(world.store, type, { ...blocks, cameras: setCameras }));
    const trained = await trainModel(world.ports)({
      runId: 'seeing',
      trainingSetDigest,
      robotType: { id: type.id, version: type.version },
      hyperparameters: { hiddenWidths: [16], maxSteps: 120, evaluateEverySteps: 40 },
      seed: 1,
      cameras: ['front'],
      trainer: { kind: 'onnx' },
    });
    ({ modelKey, modelSha256, hyperparameters } = trained);
    await world.store.put('models/p/1.0.0/model.onnx', tinyPolicy(type, 1));
    await world.store.put('models/p/2.0.0/model.onnx', stranger(rear!, 1));
  });
  after(() => world.close());

  const ports = () => ({
    ...world.ports,
    probe: {
      probe: async (path: string) => {
        const { readFile } = await import('node:fs/promises');
        const monotonicMs = (): number => performance.now();
        const progress = (): void => undefined;
        const model = await readFile(path);
        return probeModel({ runtime, model, type, seed: 1, monotonicMs, progress, pictures: sharpPictures });
      },
    },
  });
  async function judged(name: string, changes: object = {}): Promise<EvaluationDocument> {
    const { evaluationKey } = await evaluateCandidate(ports())({
      modelKey,
      policy: 'p',
      robotType: { id: type.id, version: type.version },
      heldoutDigest,
      trainingSetDigest,
      champion: '1.0.0',
      anchor: '1.0.0',
      bootstrap: false,
      evaluationKey: `evaluations/${name}/evaluation.json`,
      ...changes,
    });
    return evaluationSchema.parse(JSON.parse(new TextDecoder().decode(await world.store.get(evaluationKey))));
  }
  /* Without a linear model of the training set. */
  const quickly = { trainingSetDigest: undefined };
  const sentence = ({ gates }: EvaluationDocument, id: string): string =>
    gates.find((gate) => gate.id === id)?.sentence ?? '';

  it('is judged with images against a champion of readings alone, and what they differ on is shown', async () => {
    const document = await judged('good');
    assert.equal(document.passed, 'pass', JSON.stringify(document.gates.filter(({ outcome }) => outcome !== 'pass')));
    assert.ok(document.accuracyFraction! > document.championFraction! + 0.3, `${document.accuracyFraction}`);
    assert.deepEqual(document.cameras, [front]);
    assert.match(sentence(document, 'model.finite'), /1000 inputs .* with images of front/);
    const shown = document.disagreements!;
    assert.equal(shown.length, 12);
    assert.ok(shown.every(({ images }) => images.length === 1 && images[0]!.camera === 'front'));
    const differences = shown.map(({ differenceFraction }) => differenceFraction);
    assert.deepEqual(
      differences,
      differences.toSorted((a, b) => b - a),
    );
    const pixels = await sharpPictures.exact(Buffer.from(shown[0]!.images[0]!.jpeg, 'base64'), 16, 12);
    assert.equal(pixels.length, 16 * 12 * 3);
    assert.ok(Math.max(...[...Map.groupBy(shown, ({ episode }) => episode).values()].map((each) => each.length)) <= 2);
    assert.match(shown[0]!.candidate, /^(left|ahead|right) \(\d+ %\)$/);
    const hostile = { ...shown[0]!, task: '<script>', images: [{ camera: '"><x', jpeg: shown[0]!.images[0]!.jpeg }] };
    const page = evaluationBody({ ...document, disagreements: [hostile] }).text;
    assert.match(page, /<img\s+alt="&quot;&gt;&lt;x"[^>]*src="data:image\/jpeg;base64,\/9j\//);
    assert.match(page, /&lt;script&gt;/);
    assert.doesNotMatch(evaluationBody({ ...document, disagreements: undefined }).text, /differ most/);
  });

  it('keeps what the model gets wrong for review, with what the cameras showed, and the report shows it with curves', async () => {
    await world.store.put('models/p/4.0.0/model.onnx', stranger(front!, 2));
    const document = await judged('poor', { modelKey: 'models/p/4.0.0/model.onnx', ...quickly });
    const { frames, listed } = document.misclassified!;
    assert.equal(frames, document.frames - Math.round(document.accuracyFraction! * document.frames));
    assert.ok(listed.length > 0 && listed.length <= frames);
    assert.ok(listed.every(({ recorded, chosen }) => recorded !== chosen));
    assert.deepEqual([listed[0]!.episodeId, listed[0]!.images?.length], [null, 1], 'a set that is not identified');
    assert.ok(listed.slice(12).every(({ images }) => images === undefined));
    assert.deepEqual(
      document.precisionRecall.map(({ frames: own, otherFrames }) => own + otherFrames),
      [600, 600, 600],
    );
    const hostile = { ...listed[0]!, episodeId: '<b>', task: '<script>' };
    const page = evaluationBody({ ...document, misclassified: { frames, listed: [hostile] } }).text;
    assert.match(page, /surest and wrong/);
    assert.match(page, /&lt;b&gt;/);
    assert.match(page, /left, \d+ of 600 frames/);
    await world.store.put(
      'models/p/3.0.0/evaluation.json',
      (await world.store.get('evaluations/poor/evaluation.json'))!,
    );
    const listing = await listMisclassified({ store: world.store })({ policy: 'p', version: '3.0.0' });
    assert.deepEqual([listing.frames, listing.heldoutFrames, listing.listed], [frames, 600, listed]);
    await assert.rejects(
      listMisclassified({ store: world.store })({ policy: 'p', version: '8.0.0' }),
      /expected an evaluation of 8.0.0/,
    );
    await assert.rejects(listMisclassified({ store: world.store })({ policy: 'p' }), /expected a champion of p/);
  });

  it('leaves golden answers with images that it gives again, in few bytes', async () => {
    await judged('good');
    const bytes = (await world.store.get('evaluations/good/golden.json'))!;
    assert.ok(bytes.length < 16_384, `${bytes.length}`);
    const golden = JSON.parse(new TextDecoder().decode(bytes)) as GoldenAnswers;
    const images = goldenImagesOf(golden.images!, [front!], golden.tasks.length);
    const session = await runtime.open((await world.store.get(modelKey))!);
    for (const [row, observation] of golden.observations.entries()) {
      const task = Int32Array.of(golden.tasks[row]!);
      const answer = await runPolicy(session, sizes, Float32Array.from(observation), task, images[row]);
      answer.forEach((value, at) => assert.ok(Math.abs(value - golden.outputs[row]![at]!) <= golden.tolerances[at]!));
    }
    await session.close();
  });

  it('is compared with a champion of other cameras on rows that both can run, and the champion that cannot is named', async () => {
    const other = await judged('other', { champion: '2.0.0', anchor: '2.0.0', ...quickly });
    assert.match(sentence(other, 'champion.overall'), /against champion 2.0.0, .* over 600 frames/);
    assert.equal(typeof other.championFraction, 'number');
    assert.deepEqual(
      other.disagreements![0]!.images.map(({ camera }) => camera),
      ['front', 'rear'],
    );
    const rows = imageRows(400, 5);
    const fewer = await storeSets(world.store, type, {
      train: [rows],
      validation: [rows],
      heldout: [rows],
      episodes: [Int32Array.from({ length: 400 }, (_, row) => Math.floor(row / 10))],
      cameras: [front!],
    });
    const broken = await judged('broken', { champion: '2.0.0', heldoutDigest: fewer.heldoutDigest, ...quickly });
    assert.equal(broken.passed, 'hold');
    assert.match(
      sentence(broken, 'champion.overall'),
      /held-out set with images of camera rear, which the model sees, got one with images of front/,
    );
    const unseen = await judged('unseen', {
      modelKey: 'models/p/2.0.0/model.onnx',
      heldoutDigest: fewer.heldoutDigest,
      ...quickly,
    });
    assert.equal(unseen.passed, 'hold');
    assert.match(
      JSON.stringify(unseen.gates),
      /the model failed on held-out rows: expected a held-out set with images of camera rear/,
    );
  });

  it('is registered as a model of contract 2 with its cameras', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'flywheel-seeing-keys-'));
    try {
      const { passed } = await judged('alone', { champion: undefined, anchor: undefined, bootstrap: true, ...quickly });
      assert.equal(passed, 'pass');
      const { store } = world;
      const registry = { store, signer: testSigner(directory), clock: () => 1000, codeBuild: 'test' };
      const { version } = await registerCandidate(registry)({
        operationId: 'seeing',
        policy: 'q',
        robotType: { id: type.id, version: type.version },
        modelKey,
        modelSha256,
        evaluationKey: 'evaluations/alone/evaluation.json',
        goldenKey: 'evaluations/alone/golden.json',
        datasetVersion: { episodes: 1, frames: 1 },
        trainingSetDigest,
        seed: 1,
        hyperparameters,
      }).catch((error: Error) => assert.fail(error.message));
      const manifest = await readManifest(registry, 'q', version);
      assert.deepEqual([manifest.contract, manifest.cameras], [2, [front]]);
      // What the next candidate's held-out rows need.
      const aliases = { champion: version, anchor: '1.0.0' };
      assert.deepEqual(await comparedCameras(store, 'q', type, aliases), ['front']);
      assert.deepEqual(await comparedCameras(store, 'q', type, { anchor: '9.9.9' }), []);
      const golden = (await store.get(`models/q/${version}/golden.json`))!;
      assert.equal(manifest.files['golden.json']?.sha256, createHash('sha256').update(golden).digest('hex'));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

describe('the probe of a model that sees', () => {
  const probe = (model: Uint8Array, changes: object = {}) =>
    probeModel({
      runtime,
      model,
      type,
      seed: 1,
      monotonicMs: () => performance.now(),
      progress: () => undefined,
      pictures: sharpPictures,
      ...changes,
    });
  const failed = (facts: Awaited<ReturnType<typeof probe>>) =>
    absoluteGates(facts, type).filter(({ outcome }) => outcome === 'fail');

  it('finds a model that fails where the camera is dark, and says what was shown', async () => {
    const graph = createGraph('dark');
    const observation = graph.input('observation', 'float32', ['batch', 3]);
    const task = graph.input('task', 'int32', ['batch']);
    const picture = graph.input('image.front', 'uint8', ['batch', 12, 16, 3]);
    const pixels = graph.node('Cast', [picture], picture.shape, { to: 1 }, 'float32');
    const mean = graph.node('ReduceMean', [pixels], ['batch', 1, 1, 1], { axes: [1, 2, 3] });
    const flat = graph.node('Reshape', [mean, graph.constant('one', BigInt64Array.of(-1n, 1n), [2])], ['batch', 1]);
    const none = graph.node('Mul', [graph.node('Log', [flat], ['batch', 1]), graph.scalar(0)], ['batch', 1]);
    const asked = graph.node(
      'Mul',
      [graph.node('Cast', [task], ['batch'], { to: 1 }, 'float32'), graph.scalar(0)],
      ['batch'],
    );
    const column = graph.node('Reshape', [asked, graph.constant('two', BigInt64Array.of(-1n, 1n), [2])], ['batch', 1]);
    const sum = graph.node(
      'Add',
      [
        graph.node('Clip', [observation, graph.scalar(-1), graph.scalar(1)], ['batch', 3]),
        graph.node('Add', [none, column], ['batch', 1]),
      ],
      ['batch', 3],
    );
    graph.output('probabilities', graph.node('Softmax', [sum], ['batch', 3], { axis: 1 }));
    const gates = failed(await probe(graph.encode()));
    assert.match(
      gates.find(({ id }) => id === 'model.finite')!.sentence,
      /200 bad of 1000 inputs.*images: front black/,
    );
  });

  it('counts the decoding of an image of each camera into the time of a decision', async () => {
    let nowMs = 0;
    const slow = { ...sharpPictures, scaled: async () => ((nowMs += 250), new Uint8Array(0)) };
    const facts = await probe(stranger(front!, 1), { pictures: slow, monotonicMs: () => nowMs });
    assert.equal(facts.latency!.p99Ms, 250);
    assert.deepEqual(
      failed(facts)
        .map(({ id }) => id)
        .filter((id) => id === 'model.latency'),
      ['model.latency'],
    );
    await assert.rejects(probe(stranger(front!, 1), { pictures: undefined }), /expected what decodes images/);
  });

  it('runs in a process of its own with a decoder, and a model with an image of another size does not run', async () => {
    const { writeFile } = await import('node:fs/promises');
    const directory = await mkdtemp(join(tmpdir(), 'flywheel-seeing-probe-'));
    try {
      const path = join(directory, 'model.onnx');
      await writeFile(path, stranger(rear!, 1));
      const facts = await onnxProbe({ seed: 1 }).probe(path, type, () => undefined);
      assert.deepEqual(failed(facts), []);
      assert.deepEqual(facts.cameras, ['rear']);
      const session = await onnxRuntimeProcess().open(stranger(rear!, 1));
      const feeds = {
        observation: { type: 'float32', data: new Float32Array(3), shape: [1, 3] },
        task: { type: 'int32', data: Int32Array.of(0), shape: [1] },
      } as const;
      const wrong = { type: 'uint8', data: new Uint8Array(7 * 8 * 3), shape: [1, 7, 8, 3] } as const;
      await assert.rejects(session.run({ ...feeds, 'image.rear': wrong }), /invalid dimensions|Expected: 8/i);
      await session.close();
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('shows every camera every kind of picture, the same ones for the same seed', () => {
    const of = robotImages(sizes.cameras!, 1);
    assert.deepEqual(of(0, 20), robotImages(sizes.cameras!, 1)(0, 20));
    assert.notDeepEqual(of(0, 20), robotImages(sizes.cameras!, 2)(0, 20));
    assert.deepEqual(
      of(7, 1).get('rear'),
      of(0, 20)
        .get('rear')!
        .slice(7 * 192, 8 * 192),
    );
    const random = () => randomStream(1, 'x');
    const drawn = drawPicture(front!, 'drawn', random());
    const swapped = drawPicture(front!, 'swapped channels', random());
    assert.deepEqual([...swapped.subarray(0, 3)], [drawn[2], drawn[0], drawn[1]]);
    assert.equal(new Set(imageKinds.map((kind) => String(drawPicture(front!, kind, random())))).size, 5);
  });
});
