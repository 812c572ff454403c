import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { appendIncidents } from '../../activities/incidents/incident-log.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { registerIncidentCommands } from '../../cli/incidents.ts';
import { parseSince } from '../../cli/since-time.ts';
import { writeLogEntry } from '../../store/append-log.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { recordAct } from '../../store/records/audit-log.ts';
import { runCommand } from './stubbed-workers.ts';

const policy = 'wall';
const nowMs = Date.now();
const hourMs = 3_600_000;
const evil = 'evil\u001b[2J\n2026-01-01 act fake';

describe('flywheel incidents since', () => {
  let directory: string;
  let before: NodeJS.ProcessEnv;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-since-'));
    before = { ...process.env };
    Object.assign(process.env, { FLYWHEEL_STORE: path.join(directory, 'store') });
    await createPolicyDocument(store(), { policy, robotType: { id: 'scitos-g5', version: 1 } });
  });
  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('FLYWHEEL_')) delete process.env[name];
    Object.assign(process.env, before);
    await rm(directory, { recursive: true, force: true });
  });
  const store = () => fileObjectStore({ root: path.join(directory, 'store') });
  const run = (...args: readonly string[]) =>
    runCommand(registerIncidentCommands, ['incidents', 'since', ...args, '--policy', policy]);
  const act = (hoursAgo: number, actId: string, outcome: 'asked' | 'done', ofPolicy: string | null = policy) =>
    recordAct(
      { store: store(), clock: () => nowMs - hoursAgo * hourMs },
      {
        actId,
        outcome,
        who: 'ada',
        role: null,
        via: 'command',
        act: 'trial.pause',
        policy: ofPolicy,
        subject: '',
        reason: `because ${actId}`,
        answer: '',
      },
    );

  it('tells incidents, acts, trials, cycles and champions of that time in their order, and nothing older or of others', async () => {
    const event = { cause: 'silent', subject: 'r1', reason: evil } as const;
    await appendIncidents(store(), policy, 0, {
      lookId: 'a',
      events: [
        { ...event, incidentId: 'silent.r1.0', state: 'opened', atMs: nowMs - 20 * hourMs },
        { ...event, incidentId: 'silent.r1.1', state: 'opened', atMs: nowMs - 7 * hourMs },
        { ...event, cause: 'trialEnd', incidentId: 'trialEnd.x', state: 'noticed', atMs: nowMs - 6 * hourMs },
      ],
    });
    await act(30, 'old', 'done');
    await act(5, 'a1', 'asked');
    await act(5, 'a1', 'done');
    await act(4, 'a2', 'asked');
    await act(4, 'a3', 'done', 'other');
    await store().put(
      'trials/t1/end.json',
      jsonBytes({
        trialId: 't1',
        policy,
        candidateVersion: '1.1.0',
        outcome: 'rolledBack',
        reason: 'harm',
        atMs: nowMs - 6 * hourMs,
      }),
    );
    await store().put(
      'reports/c1.json',
      jsonBytes({
        cycleId: 'c1',
        policy,
        outcome: 'gatesHold',
        reason: 'a gate',
        cause: 'x',
        writtenAtMs: nowMs - 3 * hourMs,
        championVersion: null,
        candidateVersion: null,
      }),
    );
    await writeLogEntry(store(), `registry/${policy}/aliases`, 0, {
      seq: 0,
      operationId: 'o',
      set: { champion: '1.0.0' },
      atMs: nowMs - 2 * hourMs,
      who: 'bo',
      why: 'first',
    });
    const { out, exitCode } = await run('8h', '--json');
    assert.equal(exitCode, 0);
    const { happened } = JSON.parse(out) as { happened: { kind: string; what: string }[] };
    assert.deepEqual(
      happened.map(({ kind, what }) => [kind, what.trim()]),
      [
        ['incident', 'silent.r1.1 opened'],
        ['trial', 't1 of 1.1.0 rolledBack'],
        ['act', 'trial.pause done'],
        // It was asked for, and nobody wrote what became of it.
        ['act', 'trial.pause asked'],
        ['cycle', 'c1 gatesHold'],
        ['champion', '1.0.0 is champion'],
      ],
    );
    const { out: text } = await run('8h');
    assert.match(text, /no monitor has evaluated this policy yet/);
    assert.match(text, /1 changes of incidents, 2 acts, 1 trials and 1 cycles ended, 1 changes of the champion/);
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
    assert.equal(text.includes('\n2026-01-01 act fake'), false);
    assert.match((await run('1m')).out, /\(none\)/);
  });

  it('takes a UTC time or how long ago, and nothing else', async () => {
    assert.equal(parseSince('x', '2026-11-27', nowMs), Date.UTC(2026, 10, 27));
    assert.equal(parseSince('x', '2026-11-27T08:00Z', nowMs), Date.UTC(2026, 10, 27, 8));
    assert.equal(parseSince('x', '30m', nowMs), nowMs - hourMs / 2);
    assert.equal(parseSince('x', '3d', nowMs), nowMs - 72 * hourMs);
    for (const text of [
      'yesterday',
      '',
      '8',
      'h',
      '-8h',
      '8h ago',
      '2026-13-01',
      '2026-11-27 08:00',
      '9'.repeat(99) + 'h',
    ])
      assert.throws(() => parseSince('x', text, nowMs), /^Error: x: expected|expected a UTC time/, text);
    assert.equal((await run('yesterday')).exitCode, 2);
  });
});
