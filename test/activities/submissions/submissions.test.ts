import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Command } from 'commander';

import { openArrowRows } from '../../../activities/adapters/arrow-row-source.ts';
import { testSigner } from '../../support/keys.ts';
import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { isFailure } from '../../../store/failures.ts';
import { judgeSubmission } from '../../../activities/submissions/judge-submission.ts';
import { readManifest } from '../../../store/records/manifests.ts';
import { registerBaseline } from '../../../activities/registry/register-baseline.ts';
import { registerSubmission } from '../../../activities/submissions/register-submission.ts';
import { createPolicyDocument } from '../../../activities/registry/policy-document.ts';
import { submitModel } from '../../../activities/submissions/submit-model.ts';
import type { TrialOffer } from '../../../activities/ports/trial-slot.ts';
import { registerModelCiCommands } from '../../../cli/model-ci.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { championDesk } from '../../../fleet/desk/index.ts';
import { probeModel } from '../../../policies/evaluation/probe-model.ts';
import { comparativeGates } from '../../../policies/gates/comparative.ts';
import { offlineGates, type GateResult } from '../../../policies/gates/index.ts';
import { numbered, openMixFixture, store as storeEpisodes, type MixFixture } from '../mix/mix-fixture.ts';
import { runCommand } from '../../cli/stubbed-workers.ts';
import { testRobotType } from '../training/arrow-sets.ts';
import { foreignModel } from './foreign-models.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Every label of the fixture's episodes is `go`, the second action. */
const go = foreignModel([0, 4, 0]);
const stop = foreignModel([4, 0, 0]);
const outcomes = (gates: readonly GateResult[], outcome: GateResult['outcome']) =>
  gates.filter((gate) => gate.outcome === outcome).map(({ id }) => id);
const sentence = (gates: readonly GateResult[], id: string) => gates.find((gate) => gate.id === id)?.sentence ?? '';
const judgedType = testRobotType();
const gateIds = offlineGates({ absolute: { sizeBytes: 1 } }, judgedType).map(({ id }) => id);
const comparativeIds = comparativeGates(undefined, judgedType).map(({ id }) => id);

describe('a model that was made elsewhere', function () {
  this.timeout(60_000);
  let fixture: MixFixture;
  let directory: string;

  beforeEach(async () => {
    fixture = await openMixFixture();
    directory = fixture.directory;
  });
  afterEach(() => fixture.close());

  function ports() {
    const runtime = onnxRuntime();
    return {
      ...fixture.ports,
      runtime,
      openRows: openArrowRows,
      trainers: {
        onnx: { train: () => Promise.reject(new Error('nothing is trained here')) },
        command: () => assert.fail('nothing is trained here'),
      },
      probe: {
        probe: async (path: string, type: RobotType) =>
          probeModel({
            runtime,
            model: await readFile(path),
            type,
            seed: 1,
            monotonicMs: () => performance.now(),
            progress: () => undefined,
          }),
      },
      signer: testSigner(join(directory, 'keys')),
      desk: championDesk(fixture.ports),
      clock: () => 1_000,
      codeBuild: 'test',
    };
  }
  const baseline = (model: Uint8Array) =>
    registerBaseline(ports())({
      policy: 'picker',
      robotType: { id: 'test-robot', version: 1 },
      model,
      who: 'a',
      why: 'b',
    });
  const heldoutEpisodes = () =>
    storeEpisodes(fixture, 1, [
      ...numbered(1, 40, { split: 'heldout' }),
      ...numbered(41, 40, { split: 'heldout', task: 'dock', robot: 'r2' }),
    ]);
  async function judged(model: Uint8Array) {
    const filePath = join(directory, 'model.onnx');
    await writeFile(filePath, model);
    return judgeSubmission(ports())({ policy: 'picker', filePath });
  }
  const submissions = async () => {
    const keys: string[] = [];
    for await (const { key } of fixture.store.list('submissions/')) keys.push(key);
    return keys;
  };

  it('passes every gate on held-out episodes against the champion, and may be offered', async () => {
    await heldoutEpisodes();
    await baseline(stop);
    const verdict = await judged(go);
    assert.equal(verdict.passed, 'pass', JSON.stringify(verdict.gates));
    assert.equal(verdict.mayBeOffered, true);
    assert.deepEqual(outcomes(verdict.gates, 'pass'), gateIds);
    for (const gate of verdict.gates) assert.ok(gate.sentence.length > 0 && gate.sampleSize > 0, gate.id);
    assert.equal(verdict.judged?.champion, '1.0.0');
    assert.match(sentence(verdict.gates, 'champion.overall'), /\+100\.00 pp against champion 1\.0\.0/);
  });

  it('holds one that falls behind the champion, with value, limit and sample size', async () => {
    await heldoutEpisodes();
    await baseline(go);
    const { passed, mayBeOffered, gates } = await judged(stop);
    assert.deepEqual([passed, mayBeOffered], ['hold', false]);
    assert.deepEqual(outcomes(gates, 'fail'), [
      'heldout.agreement',
      'champion.overall',
      'anchor.overall',
      'champion.labels',
      'champion.tasks',
    ]);
    const { value, limit, sampleSize } = gates.find(({ id }) => id === 'champion.overall')!;
    assert.ok(value! < limit!);
    assert.deepEqual([limit, sampleSize], [-0.02, 80]);
  });

  it('holds one with other names and sizes, saying what differs, and stores nothing', async () => {
    await heldoutEpisodes();
    await baseline(stop);
    const { passed, gates } = await judged(foreignModel([0, 1, 0], { observation: 'obs', output: 'logits', width: 5 }));
    assert.equal(passed, 'hold');
    const io = sentence(gates, 'model.io');
    for (const part of [
      'expected inputs observation, task, got one more: obs',
      'expected input observation float32 [batch, 2] with an open batch size, got none',
      'expected output probabilities float32 [batch, 3] with an open batch size, got none',
    ])
      assert.ok(io.includes(part), io);
    assert.deepEqual(outcomes(gates, 'pass'), ['model.size', 'model.loads', 'model.bounded']);
    assert.deepEqual(await submissions(), []);
  });

  it('holds a damaged file', async () => {
    await baseline(stop);
    const { passed, gates, judged: judgement } = await judged(go.subarray(0, go.length >> 1));
    assert.deepEqual([passed, judgement], ['hold', undefined]);
    assert.match(sentence(gates, 'model.loads'), /does not load/);
  });

  it('passes alone where nothing is held out yet, but may not be offered', async () => {
    await baseline(stop);
    const verdict = await judged(go);
    assert.deepEqual([verdict.passed, verdict.mayBeOffered], ['pass', false]);
    assert.deepEqual(outcomes(verdict.gates, 'notApplicable'), comparativeIds);
    assert.equal(sentence(verdict.gates, 'champion.overall'), 'notApplicable: no held-out episodes');
    await assert.rejects(registerSubmission(ports())({ verdict, who: 'ada', why: 'try' }), (error) =>
      isFailure(error, 'InvalidInput'),
    );
  });

  it('holds on too few held-out episodes', async () => {
    await storeEpisodes(fixture, 1, numbered(1, 5, { split: 'heldout' }));
    await baseline(stop);
    const { passed, gates } = await judged(go);
    assert.equal(passed, 'hold');
    assert.equal(sentence(gates, 'heldout.episodes'), '5 held-out episodes, at least 20 are needed');
  });

  it('has no verdict without a file or a policy', async () => {
    await baseline(stop);
    const judge = judgeSubmission(ports());
    await assert.rejects(judge({ policy: 'picker', filePath: join(directory, 'none.onnx') }), (error) =>
      isFailure(error, 'NotFound'),
    );
    await assert.rejects(judge({ policy: 'nobody', filePath: 'x' }), (error) => isFailure(error, 'NotFound'));
  });

  it('is judged and registered as a mended copy where only names differ, and says what was changed', async () => {
    await heldoutEpisodes();
    await baseline(stop);
    const filePath = join(directory, 'other.onnx');
    await writeFile(filePath, foreignModel([0, 4, 0], { observation: 'obs', output: 'logits' }));
    const portMap = new Map([
      ['observation', 'obs'],
      ['probabilities', 'logits'],
    ]);
    const verdict = await judgeSubmission(ports())({ policy: 'picker', filePath, portMap });
    assert.equal(verdict.mayBeOffered, true, JSON.stringify(verdict.gates));
    const fileSha256 = createHash('sha256')
      .update(await readFile(filePath))
      .digest('hex');
    const changes = ['input "obs" is now observation', 'output "logits" is now probabilities'];
    assert.deepEqual(verdict.mended, { fileSha256, changes });
    assert.notEqual(verdict.modelSha256, fileSha256);
    const { version } = await registerSubmission(ports())({ verdict, who: 'ada', why: 'other names' });
    const { files } = await readManifest(ports(), 'picker', version);
    assert.equal(files['model.onnx']?.sha256, verdict.modelSha256);
    const kept = await fixture.store.get(`models/picker/${version}/mended.json`);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(kept)), verdict.mended);
    assert.equal(
      (await judgeSubmission(ports())({ policy: 'picker', filePath, portMap })).modelSha256,
      verdict.modelSha256,
    );
    const wrong = new Map([['observation', 'nothing']]);
    await assert.rejects(judgeSubmission(ports())({ policy: 'picker', filePath, portMap: wrong }), (error) =>
      isFailure(error, 'InvalidInput'),
    );
    assert.deepEqual(
      (await readdir(fixture.ports.scratchDirectory)).filter((name) => name.startsWith('mended-')),
      [],
    );
  });

  it('is registered once as a candidate with parent, origin and golden answers', async () => {
    await heldoutEpisodes();
    await baseline(stop);
    const verdict = await judged(go);
    const first = await registerSubmission(ports())({ verdict, who: 'ada', why: 'better grip' });
    const again = await registerSubmission(ports())({ verdict: await judged(go), who: 'bob', why: 'again' });
    assert.deepEqual(again, first);
    const manifest = await readManifest(ports(), 'picker', first.version);
    assert.equal(first.version, '2.0.0');
    assert.deepEqual(manifest.parents, ['1.0.0']);
    assert.deepEqual(manifest.submitted, { who: 'ada', why: 'better grip' });
    assert.equal(manifest.training, null);
    assert.deepEqual(Object.keys(manifest.files).toSorted(), ['evaluation.json', 'golden.json', 'model.onnx']);
    assert.ok(manifest.gates.every(({ outcome }) => outcome === 'pass'));
  });

  it('is not registered by who has not the fleet’s key', async () => {
    await heldoutEpisodes();
    await baseline(stop);
    const verdict = await judged(go);
    const stranger = { ...ports(), signer: testSigner(join(directory, 'other-keys')) };
    await assert.rejects(registerSubmission(stranger)({ verdict, who: 'eve', why: 'mine' }), (error) =>
      isFailure(error, 'UntrustedArtifact'),
    );
  });

  describe('submitted', () => {
    const offers: TrialOffer[] = [];
    const submit = async (model: Uint8Array, robots: number, answer: 'offered' | 'refused' = 'offered') => {
      const filePath = join(directory, 'model.onnx');
      await writeFile(filePath, model);
      offers.length = 0;
      return submitModel({
        ...ports(),
        fleet: {
          readFleet: async () => ({
            presence: 'known',
            robots: Array.from({ length: robots }, () => robot),
            retired: [],
            moved: [],
            damaged: [],
          }),
        },
        slot: {
          offer: async (offer) => {
            offers.push(offer);
            return { kind: answer, answer: `${offer.candidateVersion} begins` };
          },
        },
      })({ policy: 'picker', filePath, who: 'ada', why: 'better grip', request: { abTest: false } });
    };
    const robot = {
      robotId: 'r1',
      site: 'north',
      stratum: 'hall',
      robotType: { id: 'scitos-g5', version: 1 },
      isQuarantined: false,
      contact: 'online',
      lastSeenMs: 1,
      version: '1.0.0',
      heldSeq: null,
      lastInstall: null,
    } as const;

    it('is registered and offered to the trial slot, the same file as the same version', async () => {
      await heldoutEpisodes();
      await baseline(stop);
      const first = await submit(go, 3);
      assert.deepEqual([first.version, first.offer], ['2.0.0', { kind: 'offered', reason: '2.0.0 begins' }]);
      const [{ operationId, ...offer } = assert.fail('no offer')] = offers;
      assert.deepEqual(offer, {
        policy: 'picker',
        candidateVersion: '2.0.0',
        who: 'ada',
        why: 'better grip',
        request: { abTest: false },
      });
      assert.equal((await submit(go, 3)).version, '2.0.0');
      assert.equal(offers[0]?.operationId, operationId);
    });

    it('says why it is not offered: a gate, no robot, a slot that does not take it', async () => {
      await heldoutEpisodes();
      await baseline(go);
      const held = await submit(stop, 3);
      assert.deepEqual([held.verdict.passed, held.version, held.offer, offers], ['hold', null, null, []]);
      const other = foreignModel([0, 5, 0]);
      assert.deepEqual((await submit(other, 0)).offer, {
        kind: 'notOffered',
        reason: 'policy picker has no robot to try 2.0.0 on',
      });
      assert.equal((await submit(other, 1, 'refused')).offer?.kind, 'notOffered');
    });

    it('is not even registered where there is nothing to compare with', async () => {
      await baseline(stop);
      const { verdict, version, offer } = await submit(go, 3);
      assert.deepEqual([verdict.passed, version, offer], ['pass', null, null]);
    });
  });

  it('is checked by the workflow file with options that the command knows', async () => {
    const text = await readFile(join(root, '.github/workflows/model-ci.yml'), 'utf8');
    const models = new Command('models');
    registerModelCiCommands(models);
    const called = [...text.matchAll(/flywheel -- models (\w+) (.*)$/gm)];
    assert.ok(called.length > 0);
    for (const [, name, rest = ''] of called) {
      const known = models.commands.find((command) => command.name() === name)?.options.map(({ long }) => long);
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) assert.ok(known?.includes(option), `${name} ${option}`);
    }
  });

  describe('on the command line', () => {
    const settings = () => ({
      FLYWHEEL_STORE: join(directory, 'store'),
      FLYWHEEL_KEYS: join(directory, 'keys'),
      FLYWHEEL_SCRATCH: join(directory, 'scratch'),
    });
    const inOwnProcess = (...args: string[]) =>
      new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
        const command = ['cli/main.ts', 'models', 'check', ...args];
        const environment = { ...process.env, ...settings() };
        const child = execFile(process.execPath, command, { cwd: root, env: environment }, (_, stdout, stderr) =>
          resolve({ code: child.exitCode ?? -1, stdout, stderr }),
        );
      });
    /** The same in this process, without the second that a process takes to start. */
    async function check(...args: string[]) {
      const before = { ...process.env };
      Object.assign(process.env, settings());
      const write = process.stderr.write.bind(process.stderr);
      let complaint = '';
      process.stderr.write = (text: string | Uint8Array) => (complaint += String(text)) !== '';
      try {
        return { ...(await runCommand(registerModelCiCommands, ['check', ...args])), complaint };
      } finally {
        process.stderr.write = write;
        for (const name of Object.keys(settings())) delete process.env[name];
        Object.assign(process.env, before);
      }
    }

    it('exits with 0, 1 and 2, and prints every gate', async function () {
      this.timeout(240_000);
      await createPolicyDocument(fixture.store, { policy: 'picker', robotType: { id: 'test-robot', version: 1 } });
      const [good, bad] = [join(directory, 'good.onnx'), join(directory, 'bad.onnx')];
      await writeFile(good, go);
      await writeFile(bad, foreignModel([0, 1], {}));
      const hold = await inOwnProcess(bad, '--policy', 'picker');
      const pass = await check(good, '--policy', 'picker', '--json');
      assert.equal(pass.exitCode, 0, pass.complaint);
      const { passed, gates } = JSON.parse(pass.out) as { passed: string; gates: GateResult[] };
      assert.deepEqual([passed, gates.map(({ id }) => id)], ['pass', gateIds]);
      assert.equal(hold.code, 1, hold.stderr);
      assert.match(hold.stdout, /hold: held by model\.io/);
      assert.match(hold.stdout, /expected output probabilities float32 \[batch, 3\].*got float32 \[batch, 2\]/);
      const noFile = await check(join(directory, 'none.onnx'), '--policy', 'picker');
      assert.equal(noFile.exitCode, 2);
      assert.match(noFile.complaint, /expected a model file, got none/);
      assert.equal((await check(good, '--strict')).exitCode, 2);
    });
  });
});
