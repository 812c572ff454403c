import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { registerWhyCommand } from '../../cli/why.ts';
import type { Explanation } from '../../cli/why/reason.ts';
import { installLog } from '../../fleet/desk/install-log.ts';
import { addRobot, changeRobot } from '../../fleet/desk/robots.ts';
import { modelFile } from '../../policies/model-manifest.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { writeLogEntry } from '../../store/append-log.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { fleetKeys } from '../../fleet/desk/keys.ts';
import { runCommand } from './stubbed-workers.ts';

const policy = 'wall';
const atMs = Date.UTC(2026, 10, 20);
const evil = 'evil\u001b[2J\u202e\nfake: line';
const sha256 = 'c'.repeat(64);

describe('flywheel why', () => {
  let directory: string;
  let before: NodeJS.ProcessEnv;
  let store: ObjectStore;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-why-'));
    before = { ...process.env };
    Object.assign(process.env, {
      FLYWHEEL_STORE: path.join(directory, 'store'),
      FLYWHEEL_SCRATCH: path.join(directory, 'scratch'),
      FLYWHEEL_TEMPORAL_ADDRESS: '127.0.0.1:1',
    });
    store = fileObjectStore({ root: path.join(directory, 'store') });
    await createPolicyDocument(store, { policy, robotType: { id: 'scitos-g5', version: 1 } });
  });
  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('FLYWHEEL_')) delete process.env[name];
    Object.assign(process.env, before);
    await rm(directory, { recursive: true, force: true });
  });

  const run = (what: string, ...more: readonly string[]) =>
    runCommand(registerWhyCommand, ['why', what, '--policy', policy, ...more]);
  async function why(
    what: string,
  ): Promise<Explanation & { readonly damaged: readonly string[]; readonly text: string }> {
    const { out, exitCode, message } = await run(what, '--json');
    assert.equal(exitCode, 0, message);
    const explanation = JSON.parse(out) as Explanation & { readonly damaged: readonly string[] };
    return { ...explanation, text: explanation.reasons.map(({ sentence }) => sentence).join('\n') };
  }

  const register = (version: string, more: object = {}) =>
    store.put(
      modelFile(policy, version, 'manifest.json'),
      jsonBytes({
        manifest: {
          policy,
          version,
          robotType: { id: 'scitos-g5', version: 1, digest: sha256 },
          files: { 'model.onnx': { sha256, sizeBytes: 1 } },
          parents: ['1.0.0'],
          training: {
            cycleId: 'wall-1-abc',
            datasetVersion: { episodes: 4, frames: 5 },
            trainingSetDigest: sha256,
            seed: 7,
            hyperparameters: {},
          },
          codeBuild: 'b',
          registeredAtMs: atMs,
          metrics: {},
          gates: [{ id: 'accuracy.champion', outcome: 'pass', value: 0.9, limit: 0.8 }],
          ...more,
        },
        signature: { algorithm: 'Ed25519', publicKeyId: 'k', value: 'v' },
      }),
    );
  const moved = (seq: number, champion: string, reason: string) =>
    writeLogEntry(store, fleetKeys.aliasLog(policy), seq, {
      seq,
      operationId: `op-${seq}`,
      set: { champion },
      atMs: atMs + seq,
      who: 'ada',
      why: reason,
    });
  const ended = (trialId: string, more: object = {}) =>
    store.put(
      `trials/${trialId}/end.json`,
      jsonBytes({ trialId, policy, candidateVersion: '1.1.0', outcome: 'rolledBack', reason: 'harm', atMs, ...more }),
    );
  const verdict = (trialId: string, name: string, result: object) =>
    store.put(`trials/${trialId}/verdicts/${name}.json`, jsonBytes({ asked: { nowMs: atMs }, result }));

  it('a version is not champion: the trial that ended, its gates, and what it was trained on', async () => {
    await register('1.1.0');
    await moved(0, '1.0.0', 'the first');
    await ended('wall-rollout-1');
    const { kind, answer, text, reasons } = await why('1.1.0');
    assert.equal(kind, 'model');
    assert.match(
      answer,
      /^1\.1\.0 is not the champion \(1\.0\.0 is\): 1\.1\.0 was not promoted: harm\. All robots go back to the champion\. \(trial wall-rollout-1, ended as rolledBack at /,
    );
    assert.match(text, /cycle wall-1-abc trained it, from 1\.0\.0 with seed 7/);
    assert.match(text, /all 1 offline gates let it pass/);
    assert.ok(reasons.some(({ see }) => see === 'flywheel why wall-rollout-1 --policy wall'));
    // One that no gate let pass says by how much.
    await register('1.2.0', { gates: [{ id: 'latency', outcome: 'fail', value: 31, limit: 30 }] });
    const held = (await why('1.2.0')).reasons.find(({ sentence }) => sentence.includes('latency'));
    assert.deepEqual([held?.value, held?.limit], [31, 30]);
  });

  it('a version is champion: since when, by whom and why; and who replaced it', async () => {
    await register('1.0.0', { training: null, submitted: { who: 'bo', why: 'from the lab' } });
    await moved(0, '1.0.0', 'the first');
    assert.match((await why('1.0.0')).answer, /^1\.0\.0 is the champion since 2026-11-20T00:00:00\.000Z$/);
    await moved(1, '1.1.0', 'better by 2 pp');
    const { answer, text } = await why('1.0.0');
    assert.match(answer, /^1\.0\.0 is not the champion \(1\.1\.0 is\)/);
    assert.match(text, /bo submitted it: from the lab/);
    assert.match(text, /champion 1\.1\.0 since .*, by ada: better by 2 points/);
  });

  it('a trial ended: its last verdict with value, limit and sample', async () => {
    await ended('wall-rollout-1');
    const tick = {
      verdict: 'rollback',
      reason: 'harmful',
      lowerBound: -0.09,
      marginFraction: 0.05,
      logEvidence: 5,
      threshold: 4.6,
      robots: 12,
      episodes: 3400,
    };
    await verdict('wall-rollout-1', 'tick-0', { ...tick, verdict: 'hold', reason: 'too early' });
    await verdict('wall-rollout-1', 'tick-1', tick);
    for (const what of ['trial', 'trial/wall', 'wall-rollout-1']) {
      const { answer, reasons, text } = await why(what);
      assert.match(answer, /1\.1\.0 was not promoted: harm.*ended as rolledBack/);
      assert.match(text, /guard, .*: rollback: harmful/);
      const [bound, harm] = ['log evidence', 'fraction'].map((unit) => reasons.find((reason) => reason.unit === unit));
      assert.deepEqual([bound?.value, bound?.limit, bound?.sample], [5, 4.6, '12 robots, 3400 episodes']);
      assert.deepEqual([harm?.value, harm?.limit], [-0.09, -0.05]);
    }
    const { out } = await run('trial');
    assert.match(out, /value 5, limit 4\.6, log evidence, on 12 robots, 3400 episodes/);
  });

  it('no trial: it says so, and that the slot does not answer', async () => {
    const { answer, text } = await why('trial');
    assert.match(answer, /no robot is on trial, and no trial of wall has ended/);
    assert.match(text, /what the trial slot says now is unknown: expected a Temporal server/);
  });

  it('a cycle: what was refused, the gate that rejected, by workflow id or by the id of its report', async () => {
    const report = {
      policy,
      outcome: 'gatesHold',
      reason: 'a gate rejects',
      cause: 'the schedule',
      writtenAtMs: atMs,
      candidateVersion: null,
      championVersion: '1.0.0',
      collection: {
        verdict: 'ok',
        episodesStored: 90,
        quarantinedEpisodes: 10,
        quarantinedSegments: 1,
        rules: [
          { id: 'episode.dated', doc: 'is dated', refused: 10 },
          { id: 'never', doc: '', refused: 0 },
        ],
      },
      evaluation: {
        frames: 500,
        episodes: 20,
        gates: [
          {
            id: 'accuracy.champion',
            outcome: 'fail',
            value: 0.7,
            limit: 0.8,
            unit: 'fraction',
            sampleSize: 500,
            sentence: evil,
          },
        ],
      },
    };
    await store.put('reports/wall-2026-11-20-abc.json', jsonBytes(report));
    await store.put('reports/wall-2026-11-20-abc.html', new Uint8Array());
    for (const what of ['cycle/wall-2026-11-20', 'wall-2026-11-20-abc']) {
      const { answer, text, reasons } = await why(what);
      assert.match(answer, /ended as gatesHold at .*: a gate rejects$/);
      assert.match(text, /90 episodes stored, 10 episodes and 1 segments refused/);
      assert.match(text, /the rule episode\.dated refused 10: is dated/);
      assert.doesNotMatch(text, /never/);
      const gate = reasons.find(({ unit }) => unit === 'fraction');
      assert.deepEqual([gate?.value, gate?.limit, gate?.sample], [0.7, 0.8, '500']);
    }
    const { out } = await run('cycle/wall-2026-11-20');
    assert.doesNotMatch(out.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
    assert.equal(out.includes('\nfake: line'), false);
    await createPolicyDocument(store, { policy: 'other', robotType: { id: 'scitos-g5', version: 1 } });
    const other = await runCommand(registerWhyCommand, ['why', 'wall-2026-11-20-abc', '--policy', 'other']);
    assert.match(other.message, /is one of wall/);
  });

  it('a robot: what it runs since when, on what that was trained, and why it is in quarantine', async () => {
    const ports = { store, clock: () => atMs };
    await addRobot(ports, {
      robotId: 'r17',
      policy,
      robotType: { id: 'scitos-g5', version: 1 },
      site: 'hall',
      stratum: 'hall',
      tokenHashes: [sha256],
      who: 'ada',
      why: 'new',
    });
    await register('1.1.0');
    await installLog(store, policy).append({
      robotId: 'r17',
      gatewayId: 'gateway-1',
      receivedMs: atMs,
      report: {
        reportId: '01J00000000000000000000000',
        bootId: '01J00000000000000000000000',
        atMs,
        clockSkewMs: 0,
        outcome: 'installed',
        reason: 'ordered',
        version: '1.1.0',
        attempted: null,
        assignmentSeq: 0,
        trialId: null,
        detail: '',
      },
    });
    const { kind, answer, text } = await why('r17');
    assert.equal(kind, 'robot');
    assert.match(answer, /^r17 runs 1\.1\.0 since 2026-11-20T00:00:00\.000Z; it is in service$/);
    assert.match(text, /cycle wall-1-abc trained it/);
    assert.match(text, /0 of its episodes and 0 of its segments were refused/);
    await changeRobot(ports, { robotId: 'r17', who: 'bo', why: evil }, () => ({ isQuarantined: true }));
    const { out } = await run('r17');
    assert.match(out, /it is in quarantine since 2026-11-20T00:00:00\.000Z by bo: evil/);
    assert.equal(out.includes('\nfake: line'), false);
  });

  it('nothing that is there: what was expected, and exit code 2', async () => {
    for (const what of ['9.9.9', 'nobody', 'cycle/none', '../../etc', '', 'x'.repeat(5_000), evil, 'constructor']) {
      const { exitCode, message } = await run(what);
      assert.equal(exitCode, 2, what);
      assert.match(message, /expected|not registered/, what);
    }
  });
});
