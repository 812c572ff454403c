import type { Command } from 'commander';

import type { ObjectStore } from '../store/object-store.ts';
import { verifyAudit } from '../store/records/audit-chain.ts';
import type { AuditEntry } from '../store/records/audit-entry.ts';
import { readAuditPage, type ChainPlace } from '../store/records/audit-log.ts';
import { openContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { openPolicy } from './open-policy.ts';
import { printJson, printTable, say } from './print.ts';
import { parseSince } from './since-time.ts';

interface AuditOptions {
  readonly since?: string;
  readonly who?: string;
  readonly policy?: string;
  readonly limit: string;
  readonly verify: boolean;
  readonly expect?: string;
  readonly json: boolean;
}

/** `flywheel audit`: who did what, why, when and with what outcome, whichever way it came. */
export function registerAuditCommand(program: Command): void {
  program
    .command('audit')
    .description('show the audit log: who did what, why, when and with what outcome, newest last')
    .option('--since <time>', 'UTC time, e.g. 2026-11-27 or 2026-11-27T08:00:00Z, or how long ago: 8h, 3d')
    .option('--who <name>', 'only acts of this person')
    .option('--policy <name>', 'only acts on this policy')
    .option('--limit <count>', 'maximum number of entries', '100')
    .option('--verify', 'check the hash chain of the whole log; exit code 1 if it is broken', false)
    .option('--expect <seq:digest>', 'with --verify: an entry kept elsewhere that must be unchanged')
    .option('--json', 'as JSON', false)
    .action((options: AuditOptions) => (options.verify ? verify(options) : show(options)));
}

async function show(options: AuditOptions): Promise<void> {
  const most = Number(options.limit);
  if (!Number.isInteger(most) || most < 1 || most > 100_000)
    throw new CommandError('wrong', `--limit: expected a whole number from 1 to 100000, got ${options.limit}`);
  const sinceMs = options.since === undefined ? 0 : parseSince('--since', options.since, Date.now());
  const { who, policy, json } = options;
  const damaged: string[] = [];
  const isWanted = (entry: AuditEntry): boolean =>
    entry.atMs >= sinceMs &&
    (who === undefined || entry.who === who) &&
    (policy === undefined || entry.policy === policy);
  const { store } = await (policy === undefined ? openContext() : openPolicy(policy));
  const entries = await lastOf(store, most, isWanted, damaged);
  if (json) return printJson({ entries, damaged });
  printTable(
    ['seq', 'when', 'who', 'role', 'via', 'act', 'policy', 'subject', 'outcome', 'reason', 'answer'],
    entries.map((entry) => [
      String(entry.seq),
      new Date(entry.atMs).toISOString(),
      entry.who,
      entry.role ?? 'shell',
      entry.via,
      entry.act,
      entry.policy ?? '',
      entry.subject,
      entry.outcome,
      entry.reason,
      entry.answer,
    ]),
  );
  for (const key of damaged) say(`${key} is damaged and passed over; \`flywheel audit --verify\` says more`);
}

/** The newest that are wanted, oldest of them first. */
async function lastOf(
  store: ObjectStore,
  most: number,
  isWanted: (entry: AuditEntry) => boolean,
  damaged: string[],
): Promise<readonly AuditEntry[]> {
  const found: AuditEntry[] = [];
  let before: number | null | undefined;
  while (before !== null && found.length < most) {
    const question = { before, limit: most - found.length, isWanted };
    const page = await readAuditPage(store, question, ({ key }) => void damaged.push(key));
    found.push(...page.entries);
    before = page.next;
  }
  return found.toReversed();
}

async function verify({ expect, json }: AuditOptions): Promise<void> {
  const expected = expect === undefined ? undefined : placeOf(expect);
  const verdict = await verifyAudit((await openContext()).store, expected);
  const { verifiedSeq, digest, broken } = verdict;
  if (json) printJson(verdict);
  if (broken !== null)
    throw new CommandError('no', `the audit log is broken at ${broken.seq}: ${broken.kind}: ${broken.why}`);
  if (json) return;
  if (digest === null) return say('the audit log has no entry yet');
  say(`the audit log is whole up to entry ${verifiedSeq}`);
  say(`noted elsewhere, this finds what is changed later: --expect ${verifiedSeq}:${digest}`);
}

function placeOf(text: string): ChainPlace {
  const [, seq, digest] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || digest === undefined)
    throw new CommandError('wrong', '--expect: expected the number of an entry, a colon and 64 hexadecimal digits');
  return { seq: Number(seq), digest };
}
