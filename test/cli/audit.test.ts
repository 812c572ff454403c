import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { Command } from 'commander';

import { registerAuditCommand } from '../../cli/audit.ts';
import { registerOperatorCommands } from '../../cli/operators.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { auditKeys } from '../../store/records/audit-entry.ts';
import { recordAct } from '../../store/records/audit-log.ts';
import { runCommand } from './stubbed-workers.ts';

const register = (program: Command): void => {
  registerAuditCommand(program);
  registerOperatorCommands(program);
};
const run = (...args: readonly string[]) => runCommand(register, args);

describe('flywheel audit', () => {
  let directory: string;
  let before: NodeJS.ProcessEnv;
  const open = () => fileObjectStore({ root: path.join(directory, 'store') });
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-audit-'));
    before = { ...process.env };
    Object.assign(process.env, {
      FLYWHEEL_STORE: path.join(directory, 'store'),
      FLYWHEEL_SCRATCH: path.join(directory, 'scratch'),
    });
    await open().put('config/x.json', new Uint8Array());
  });
  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('FLYWHEEL_')) delete process.env[name];
    Object.assign(process.env, before);
    await rm(directory, { recursive: true, force: true });
  });

  it('tells who did what by command, and that a refused one was', async () => {
    assert.match((await run('audit', '--verify')).out, /no entry yet/);
    const add = ['operators', 'add', 'ada', '--role', 'operator', '--reason', 'shift lead', '--who', 'root'];
    assert.equal((await run(...add)).exitCode, 0);
    const again = await run(...add);
    assert.notEqual(again.exitCode, 0);
    assert.match(again.message, /expected a new name/);
    const { out } = await run('audit', '--json');
    const { entries } = JSON.parse(out) as { entries: Record<string, unknown>[] };
    assert.deepEqual(
      entries.map(({ who, role, via, act, subject, outcome }) => [who, role, via, act, subject, outcome]),
      ['asked', 'done', 'asked', 'refused'].map((outcome) => ['root', null, 'command', 'operator.add', 'ada', outcome]),
    );
    // No token, and no hash of one.
    assert.doesNotMatch(out, /fo\.ada\.|tokenHash/);
    assert.equal((await run('audit', '--who', 'bo')).out.includes('shift lead'), false);
    assert.equal((await run('audit', '--since', '2099-01-01')).out.includes('shift lead'), false);
    assert.equal((await run('audit', '--since', '2020-01-01T00:00:00Z')).out.includes('shift lead'), true);
    for (const since of ['yesterday', '2026-13-01', '2026-11-27 08:00'])
      assert.match((await run('audit', '--since', since)).message, /--since: expected a UTC time/);
    assert.match((await run('audit', '--limit', '0')).message, /--limit/);
  });

  it('verifies the chain, names where it is broken, and what was noted elsewhere', async () => {
    const ports = { store: open(), clock: Date.now };
    for (const actId of ['a', 'b', 'c'])
      await recordAct(ports, {
        actId,
        outcome: 'done',
        who: 'ada',
        role: null,
        via: 'command',
        act: 'rollback',
        policy: null,
        subject: '',
        reason: '\u001b[2J<b>',
        answer: '',
      });
    const { out } = await run('audit', '--verify');
    const [, expected] = /--expect (\S+)/.exec(out) ?? [];
    assert.match(out, /whole up to entry 3/);
    assert.equal((await run('audit', '--verify', '--expect', expected ?? '')).exitCode, 0);
    assert.equal((await run('audit', '--verify', '--expect', `3:${'0'.repeat(64)}`)).exitCode, 1);
    assert.equal((await run('audit', '--verify', '--expect', 'x')).exitCode, 2);
    assert.equal((await run('audit')).out.includes('\u001b'), false);
    await ports.store.delete(auditKeys.entry(2));
    const broken = await run('audit', '--verify');
    assert.deepEqual([broken.exitCode, /broken at 2: missing/.test(broken.message)], [1, true]);
    assert.match((await run('audit', '--verify', '--json')).out, /"kind": "missing"/);
  });
});
