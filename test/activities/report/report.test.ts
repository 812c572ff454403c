import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { evaluationDocument } from '../../../activities/evaluation/evaluation-document.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { writeReport } from '../../../activities/report/write-report.ts';
import { registerModel } from '../../../activities/registry/register-model.ts';
import { identityBody } from '../../../policies/version-bodies.ts';
import { testSigner } from '../../support/keys.ts';
import { distributionOf } from '../../../domain/quality/distribution.ts';
import { rocCounter } from '../../../policies/evaluation/roc.ts';
import { testRobotType } from '../training/arrow-sets.ts';

const gate = (id: string, outcome: 'pass' | 'fail') =>
  ({ id, outcome, value: 1, limit: 2, unit: 'x', sampleSize: 3, sentence: `${id} says <b>` }) as const;
const empty = evaluationDocument({
  input: {},
  type: testRobotType(),
  absolute: { sizeBytes: 1 },
  gates: [gate('model.size', 'pass'), gate('champion.labels', 'fail'), gate('model.io', 'pass')],
  passed: 'hold',
  comparison: undefined,
});
const metrics = (validationLoss: number, learningRate: number) => ({
  modelSha256: 'a',
  steps: 10,
  validationLoss,
  validationAgreementFraction: null,
  hyperparameters: { learningRate },
  curve: [],
  warmStart: null,
  dataWaitFraction: null,
});

async function pageOf(
  evaluation: typeof empty,
  set?: object,
  rungs: Readonly<Record<string, object>> = {},
  quality?: object,
): Promise<string> {
  const store = memoryObjectStore();
  for (const [run, rung] of Object.entries(rungs)) await store.put(`training-runs/${run}/rung.json`, jsonBytes(rung));
  if (quality !== undefined) await store.put('evaluations/c/quality.json', jsonBytes(quality));
  if (set !== undefined) await store.put('training-sets/none/manifest.json', jsonBytes(set));
  await store.put('training-runs/c-0/metrics.json', jsonBytes(metrics(0.5, 0.01)));
  await store.put('training-runs/c-1/metrics.json', jsonBytes(metrics(0.25, 0.03)));
  await store.put('evaluations/c/evaluation.json', jsonBytes(evaluation));
  const { reportKey } = await writeReport({ store, clock: () => 0, codeBuild: 'test' })({
    cycleId: 'c',
    policy: 'p',
    cause: 'test',
    training: {
      trainingSetDigest: 'none',
      metricsKey: 'training-runs/c-1/metrics.json',
      evaluationKey: 'evaluations/c/evaluation.json',
      modelSha256: 'a',
    },
  });
  return new TextDecoder().decode(await store.get(reportKey));
}
const before = (page: string, first: string, second: string): void => {
  assert.ok(page.includes(first) && page.includes(second), `${first}, ${second}`);
  assert.ok(page.indexOf(first) < page.indexOf(second), `${first} before ${second}`);
};

describe('the report of a cycle', () => {
  const task = (name: string, agreementFraction: number) => ({
    task: name,
    episodes: 3,
    frames: 60,
    agreementFraction,
    trafficFraction: 0.5,
  });

  it('shows what matters first: the gate that holds, the worst task, the label that is least found', async () => {
    const page = await pageOf({
      ...empty,
      labels: ['left', 'right'],
      perLabel: [
        { label: 'right', precision: 0.9, recall: 0.9, f1: 0.9, frames: 900 },
        { label: 'left', precision: 0.8, recall: 0.1, f1: 0.2, frames: 100 },
      ],
      confusion: [
        [10, 90],
        [90, 810],
      ],
      tasks: [task('drive', 0.97), task('park', 0.56)],
      calibrationCurve: [{ rows: 10, probability: 0.5, rightFraction: 0.4 }],
      roc: [
        {
          label: 'left',
          area: 0.734,
          points: [
            { falseFraction: 0, trueFraction: 0 },
            { falseFraction: 1, trueFraction: 1 },
          ],
        },
      ],
    });
    before(page, '<code>champion.labels</code>', '<code>model.size</code>');
    before(page, '2 gates that pass', '<code>model.size</code>');
    before(page, '56.0 %', '97.0 %');
    before(page, '<td class="">left</td>', '<td class="">right</td>');
    for (const shown of ['0.734', 'Calibration:', 'ROC:', 'Hyperparameters']) assert.ok(page.includes(shown), shown);
    assert.ok(!page.includes('says <b>'));
  });

  it('shows what new episodes are like, with those that lie far out, and how far the champion is from labels', async () => {
    const measured = (measure: string, value: number) => ({
      ...distributionOf([...Array.from({ length: 30 }, () => 0.1), value], 0.05),
      measure,
      outliers: 1,
      listed: [{ episodeId: 'E<1>', robotId: 'r7', value }],
    });
    const quality = {
      robotType: 'arm@1',
      newEpisodes: 31,
      measuredEpisodes: 31,
      framesOfEpisode: 512,
      measures: [measured('stallFraction', 0.9)],
      robots: [{ robotId: 'r7', episodes: 1, outliers: 1, medians: { stallFraction: 0.9 } }],
    };
    const championDisagreement = measured('championDisagreement', 0.8) as never;
    const page = await pageOf({ ...empty, championDisagreement }, undefined, {}, quality);
    before(page, 'What new episodes are like', 'Champion against labels');
    for (const shown of ['31 of 31 new episodes', 'E&lt;1&gt;', '90.0 %', '80.0 %', '1 of 31 episodes'])
      assert.ok(page.includes(shown), shown);
    assert.ok(!(await pageOf(empty)).includes('Stalled'));
  });

  it('shows the robots the policy does worst on first, the others folded, and never as markup', async () => {
    const robots = Array.from({ length: 8 }, (_, index) => ({
      robotId: index === 0 ? '<script>r0' : `r${index}`,
      episodes: 2,
      frames: 100,
      agreementFraction: 0.501 + index / 100,
      championFraction: 0.9,
    }));
    const page = await pageOf({ ...empty, robots, robotsMeasured: 12 });
    before(page, '&lt;script&gt;r0', '<td class="">r4</td>');
    before(page, '3 more robots; 4 better ones are left out', '<td class="">r5</td>');
    assert.ok(!page.includes('<script'));
    assert.ok(!(await pageOf(empty)).includes('Robots, the worst first'));
  });

  it('says which tasks alone were learned, and how much is new of the others', async () => {
    const stratum = { source: 'new', takenFrames: 0 } as const;
    const page = await pageOf(empty, {
      ...emptySet,
      recipe: { learnedTasks: ['park'] },
      strata: [
        { ...stratum, task: 'park', availableFrames: 70 },
        { ...stratum, task: 'drive', availableFrames: 1_234 },
        { ...stratum, source: 'history', task: 'drive', availableFrames: 999 },
      ],
    });
    assert.match(page, /only park; the others were replayed, 1,234 new frames of theirs left out/);
    assert.match(await pageOf(empty, emptySet), /<dt>Learned tasks<\/dt>\s*<dd>all<\/dd>/);
  });

  it('shows which bodies were learned from, and which were left out and why', async () => {
    const page = await pageOf(empty, {
      ...emptySet,
      bodies: [
        { robotType: 'rover@2', digest: 'a', episodes: 4_000 },
        { robotType: 'rover@1', digest: 'b', episodes: 300, leftOutFrames: 7 },
      ],
      bodiesLeftOut: [{ robotType: 'rover@3', episodes: 12, reason: 'nothing to read "<b>" from' }],
    });
    before(page, 'rover@1</td>', '<td class="number">7</td>');
    before(page, 'rover@3</td>', 'nothing to read &quot;&lt;b&gt;&quot; from');
    assert.ok(!(await pageOf(empty, emptySet)).includes('<h3>Bodies</h3>'));
  });

  it('says of which bodies the robots take part in no stage, since the champion does not serve them', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-report-'));
    try {
      const store = memoryObjectStore();
      const type = testRobotType();
      const ports = { store, signer: testSigner(directory), clock: () => 1, codeBuild: 'test' };
      const reference = (version: number) => ({ id: type.id, version, digest: String(version).repeat(64) });
      const register = async (operationId: string, standings: readonly ('proven' | 'unproven')[]) => {
        await store.put('model', jsonBytes(operationId));
        const bodies = standings.map((standing, index) =>
          identityBody(type, reference(index + 1), { standing, heldOutEpisodes: 40 }),
        );
        await registerModel(ports)({
          policy: 'p',
          operationId,
          change: 'minor',
          robotType: reference(1),
          bodies: jsonBytes({ bodies }),
          sources: { 'model.onnx': 'model' },
          modelSha256: createHash('sha256').update(jsonBytes(operationId)).digest('hex'),
          parents: [],
          training: null,
          metrics: {},
          gates: [],
        });
      };
      await register('champion', ['proven', 'unproven', 'proven']);
      await register('candidate', ['proven', 'proven', 'proven', 'unproven']);
      const judged = { digest: 'a', episodes: 40, frames: 1, agreementFraction: 1, gates: [] };
      const bodies = [1, 2, 3, 4].map((version) => ({
        ...judged,
        robotType: `test-bot@${version}`,
        standing: version === 4 ? ('unproven' as const) : ('proven' as const),
      }));
      const training = { trainingSetDigest: 'none', metricsKey: 'm', evaluationKey: 'e', modelSha256: 'a' };
      await store.put('e', jsonBytes({ ...empty, bodies }));
      const page = async (outcome: string): Promise<string> => {
        const { reportKey } = await writeReport(ports)({
          cycleId: 'c',
          policy: 'p',
          cause: 'test',
          outcome,
          championVersion: '1.0.0',
          training: { ...training, candidateVersion: '1.1.0' },
        });
        return new TextDecoder().decode(await store.get(reportKey));
      };
      const said = [...(await page('offered')).matchAll(/<p>(test-bot@\d: .*?)<\/p>/g)].map(([, text]) => text);
      const [first = '', ...rest] = said.filter((text) => text?.includes('take part in no stage'));
      assert.match(first, /^test-bot@2: proven; the champion does not serve it.*flywheel models serve does$/);
      assert.deepEqual([rest, said.length], [[], 4]);
      assert.doesNotMatch(await page('promoted'), /take part in no stage/);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('says what changed since the cycle before of the same policy, and links to the console where it is known', async () => {
    const store = memoryObjectStore();
    const evil = 'a"><b>&policy=other';
    const write = async (cycleId: string, evaluation: object, consoleUrl?: string, policy = 'p'): Promise<string> => {
      await store.put(`evaluations/${cycleId}.json`, jsonBytes({ ...empty, ...evaluation }));
      const { reportKey } = await writeReport({ store, clock: () => 0, codeBuild: 'test', consoleUrl })({
        cycleId,
        policy,
        cause: 'test',
        outcome: 'offered',
        championVersion: '1.0.0',
        training: {
          trainingSetDigest: 'none',
          metricsKey: 'none',
          evaluationKey: `evaluations/${cycleId}.json`,
          modelSha256: 'a',
          candidateVersion: '1.1.0',
        },
      });
      return new TextDecoder().decode(await store.get(reportKey));
    };
    const first = await write('c1', { accuracyFraction: 0.9, tasks: [task('drive', 0.97), task(evil, 0.5)] });
    assert.doesNotMatch(first, /Since the cycle before|<a /);
    await write('other', { accuracyFraction: 0.1 }, undefined, 'q');
    await store.put('reports/torn.json', new TextEncoder().encode('{'));
    const second = {
      accuracyFraction: 0.93,
      tasks: [task('drive', 0.97), task(evil, 0.75)],
      gates: empty.gates.map((one) => (one.id === 'champion.labels' ? { ...one, outcome: 'pass' } : one)),
    };
    const page = await write('c2', second, 'https://console.example/x');
    assert.match(page, /c1 ended .* as offered, with\s+candidate 1\.1\.0\./);
    before(page, 'Agreement of the candidate</td>', '+3.0 pp');
    before(page, '+3.0 pp', '<td class="">champion.labels</td>');
    before(page, 'champion.labels</td>', '<td class="number">fail</td>');
    assert.match(page, /a&quot;&gt;&lt;b&gt;&amp;policy=other<\/td>\s*<td class="number">50\.0 %/);
    // A task that stayed the same is no change.
    assert.equal(page.match(/<td class="">drive<\/td>/g), null);
    for (const href of [
      'cycle?policy=p&amp;id=c2',
      'models?policy=p&amp;version=1.1.0',
      'tasks?policy=p&amp;search=drive',
      'tasks?policy=p&amp;search=a%22%3E%3Cb%3E%26policy%3Dother',
    ])
      assert.ok(page.includes(`<a href="https://console.example/x/#/${href}">`), href);
    // Written again it compares with the same.
    assert.equal(await write('c2', second, 'https://console.example/x'), page);
  });

  it('shows how much each source of a mix was asked for and gave', async () => {
    const page = await pageOf(empty, {
      ...emptySet,
      sources: [
        { name: 'robot type a@1, site <b>', weight: 1, availableFrames: 900, takenFrames: 50 },
        { name: 'robot type c@1', weight: 3, availableFrames: 150, takenFrames: 150 },
      ],
    });
    before(page, 'site &lt;b&gt;</td>', '<td class="number">25.0 %</td>');
    before(page, '<td class="">robot type c@1</td>', '<td class="number">75.0 %</td>');
    assert.ok(!(await pageOf(empty)).includes('Sources, by weight'));
  });

  it('tells of every training of a search, and which was kept', async () => {
    const page = await pageOf(empty);
    assert.match(page, /Search: 2 trainings/);
    before(page, '<td class="number">0.25</td>', '<td class="number">0.5</td>');
    before(page, '<td class="">kept</td>', '<td class="number">0.25</td>');
  });

  it('tells of the trials that were stopped, with their curves, where and why', async () => {
    const point = (step: number, validationLoss: number) => ({
      step,
      trainLoss: 1,
      validationLoss,
      validationAgreementFraction: 0.5,
    });
    const page = await pageOf(empty, undefined, {
      'c-1': { untilStep: 5, metrics: { ...metrics(0.5, 0.03), curve: [point(5, 0.5)] }, hyperparameters: {} },
      'c-2': {
        untilStep: 5,
        metrics: { ...metrics(0.75, 0.3), steps: 5, curve: [point(2, 1), point(5, 0.75)] },
        hyperparameters: {},
      },
      'c-3': { untilStep: 5, metrics: null, reason: 'no finite <loss>', hyperparameters: { learningRate: 9 } },
    });
    assert.match(page, /Search: 4 trainings, 1 stopped early, 25 steps together/);
    before(page, '<td class="number">0.5</td>', '<td class="number">0.75</td>');
    before(page, 'stopped at 5', 'could not be trained: no finite &lt;loss&gt;');
    assert.match(page, /points="64.0,1.0 160.0,8.5"/);
    assert.match(page, /points="160.0,16.0"/);
  });

  it('shows the error of each continuous action in its unit, and no empty confusion', async () => {
    const page = await pageOf({
      ...empty,
      labels: [],
      actionErrors: [
        { name: 'elbow', unit: 'rad', mean: 0.01, p95: 0.02, meanFraction: 0.005 },
        { name: 'wrist', unit: 'rad', mean: 0.3, p95: 0.7, meanFraction: 0.15 },
      ],
      errorFractions: { candidate: 0.0775, champion: 0.08, copy: 0.05, linear: null },
    });
    before(page, 'wrist', 'elbow');
    assert.match(page, /repeating the measured state/);
    assert.ok(!page.includes('Confusion') && !page.includes('linear model'));
  });

  it('is written from documents of earlier versions too', async () => {
    const {
      calibrationCurve: _,
      roc: __,
      actionErrors: ___,
      errorFractions: ____,
      robots: _____,
      robotsMeasured: ______,
      ...older
    } = empty;
    assert.match(await pageOf(older as typeof empty), /Offline judgement/);
  });
});

const emptySet = {
  datasetVersion: { episodes: 1, frames: 1 },
  seed: 1,
  targetFrames: 200,
  newFrames: 0,
  historyFrames: 200,
  effectiveFrames: 200,
  needsLabelFrames: 0,
  correctionShareBeforeCap: 0,
  correctionShareAfterCap: 0,
  failures: { validEpisodes: 0, addedEpisodes: 0, queuedForLabelEpisodes: 0 },
  strata: [],
};

describe('the ROC of a label', () => {
  it('has the area that pairs of frames say: how often one with the label is the surer', () => {
    const counter = rocCounter(['a', 'b']);
    const rows = [
      [0, 0.9],
      [0, 0.6],
      [1, 0.7],
      [1, 0.1],
      [0, 0.95],
      [1, 0.6],
    ] as const;
    for (const [label, probability] of rows) counter.frame(label, [probability, 1 - probability]);
    const pairs = rows.flatMap(([label, ours]) =>
      label === 0
        ? rows.filter(([other]) => other === 1).map(([, theirs]) => (ours > theirs ? 1 : ours === theirs ? 0.5 : 0))
        : [],
    );
    const wanted = pairs.reduce<number>((sum, value) => sum + value, 0) / pairs.length;
    const [a] = counter.finish();
    assert.ok(Math.abs(a!.area! - wanted) < 1e-9, `${a!.area} and ${wanted}`);
    assert.deepEqual(a!.points.at(-1), { falseFraction: 1, trueFraction: 1 });
    assert.equal(rocCounter(['a']).finish()[0]!.area, null);
  });
});
