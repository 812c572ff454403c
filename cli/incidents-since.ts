import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { readLastEvents } from '../activities/incidents/incident-log.ts';
import { readOpenIncidents } from '../activities/monitor/monitor-state.ts';
import { listEndedCycles } from '../activities/report/list-cycles.ts';
import { listEndedTrials } from '../activities/trials/trial-course.ts';
import { toldEnds } from '../activities/trials/trial-sentences.ts';
import type { OnDamage } from '../store/damaged-objects.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readAliasHistory } from '../store/records/aliases.ts';
import type { AuditEntry } from '../store/records/audit-entry.ts';
import { readAuditPage } from '../store/records/audit-log.ts';
import { plainReason } from '../domain/words/plain-reason.ts';
import { openPolicy } from './open-policy.ts';
import { printJson, printTable, say } from './print.ts';
import { parseSince } from './since-time.ts';

/** Newest so many of each kind; a longer absence has more than anybody reads. */
const mostOfKind = 1_000;
const dayMs = 24 * 3_600_000;

interface Happening {
  readonly atMs: number;
  readonly kind: 'incident' | 'act' | 'trial' | 'cycle' | 'champion';
  readonly what: string;
  readonly who: string;
  readonly reason: string;
}

/** `flywheel incidents since`: what whoever takes over has to know. */
export function registerIncidentsSince(incidents: Command): void {
  incidents
    .command('since')
    .description(
      'hand over: what is open now, and what happened since a time: incidents, acts, trials, cycles, champions',
    )
    .argument('<time>', 'UTC time, e.g. 2026-11-27T08:00:00Z, or how long ago: 8h, 3d')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--json', 'as JSON', false)
    .action(async (time: string, { policy, json }: { readonly policy: string; readonly json: boolean }) => {
      const sinceMs = parseSince('<time>', time, Date.now());
      const { store } = await openPolicy(policy);
      const damaged: string[] = [];
      const summary = await handOver(store, policy, sinceMs, ({ key }) => damaged.push(key));
      if (json) return printJson({ policy, sinceMs, ...summary, damaged });
      print(sinceMs, summary);
      for (const key of damaged) say(`${key} is damaged and was skipped`);
    });
}

type Summary = Awaited<ReturnType<typeof handOver>>;

async function handOver(store: ObjectStore, policy: string, sinceMs: number, onDamage: OnDamage) {
  const isNew = ({ atMs }: { readonly atMs: number }): boolean => atMs >= sinceMs;
  const [{ lookedAtMs, incidents: open }, events, acts, ends, cycles, aliases] = await Promise.all([
    readOpenIncidents(store, policy),
    readLastEvents(store, policy, mostOfKind, { onDamage }),
    readActs(store, policy, sinceMs, onDamage),
    listEndedTrials(store, policy, mostOfKind, onDamage),
    listEndedCycles(store, policy, mostOfKind, onDamage),
    readAliasHistory({ store })({ policy }),
  ]);
  const told = await toldEnds(store, ends.filter(isNew));
  // Notices say again what trials, cycles and the champion's log say themselves.
  const news = events.filter((event) => event.state !== 'noticed' && isNew(event));
  const champions = aliases.filter((move) => move.set.champion !== undefined && isNew(move)).slice(-mostOfKind);
  const happened: readonly Happening[] = [
    ...news.map((event): Happening => ({
      atMs: event.atMs,
      kind: 'incident',
      what: `${event.incidentId} ${event.state}`,
      who: event.who ?? '',
      reason: plainReason(event.reason),
    })),
    ...acts.map((entry): Happening => ({
      atMs: entry.atMs,
      kind: 'act',
      what: `${entry.act} ${entry.subject} ${entry.outcome}`.replaceAll(/ +/g, ' '),
      who: entry.who,
      reason: entry.reason,
    })),
    ...told.map((end): Happening => ({
      atMs: end.atMs,
      kind: 'trial',
      what: `${end.trialId} of ${end.candidateVersion ?? 'a candidate'} ${end.outcome}`,
      who: '',
      reason: end.sentence,
    })),
    ...cycles
      .filter(({ writtenAtMs }) => writtenAtMs >= sinceMs)
      .map((cycle): Happening => ({
        atMs: cycle.writtenAtMs,
        kind: 'cycle',
        what: `${cycle.cycleId} ${cycle.outcome}`,
        who: '',
        reason: cycle.reason,
      })),
    ...champions.map((move): Happening => ({
      atMs: move.atMs,
      kind: 'champion',
      what: `${move.set.champion ?? ''} is champion`,
      who: move.who,
      reason: plainReason(move.why),
    })),
  ];
  return {
    lookedAtMs,
    open,
    /** Of a kind there may be more than are listed, older ones. */
    isCut: news.length >= mostOfKind || acts.length >= mostOfKind,
    happened: happened.toSorted((a, b) => a.atMs - b.atMs),
  };
}

/** What became of acts on the policy, or on no one policy; `asked` only stands for what was cut off. */
async function readActs(
  store: ObjectStore,
  policy: string,
  sinceMs: number,
  onDamage: OnDamage,
): Promise<readonly AuditEntry[]> {
  const found: AuditEntry[] = [];
  let before: number | undefined;
  let oldestMs = Number.POSITIVE_INFINITY;
  const isWanted = (entry: AuditEntry): boolean => {
    oldestMs = Math.min(oldestMs, entry.atMs);
    return entry.atMs >= sinceMs && (entry.policy === policy || entry.policy === null);
  };
  for (;;) {
    const page = await readAuditPage(store, { before, limit: mostOfKind - found.length, isWanted }, onDamage);
    found.push(...page.entries);
    // Writers' clocks may differ: what is a day older has nothing newer before it.
    if (page.next === null || found.length >= mostOfKind || oldestMs < sinceMs - dayMs) break;
    before = page.next;
  }
  const ended = new Set(found.flatMap(({ actId, outcome }) => (outcome === 'asked' ? [] : [actId])));
  return found.filter(({ actId, outcome }) => outcome !== 'asked' || !ended.has(actId));
}

function print(sinceMs: number, { open, lookedAtMs, happened, isCut }: Summary): void {
  const unseen = open.filter(({ acknowledgedBy }) => acknowledgedBy === null).length;
  const count = (kind: Happening['kind']): number => happened.filter((one) => one.kind === kind).length;
  say(
    lookedAtMs === null
      ? 'no monitor has evaluated this policy yet: what is open is unknown'
      : `open now: ${open.length} incidents, ${unseen} of them seen by nobody; last look ${new Date(lookedAtMs).toISOString()}`,
  );
  if (open.length > 0)
    printTable(
      ['incident', 'since', 'seen by', 'what'],
      open.map((one) => [one.incidentId, new Date(one.openedAtMs).toISOString(), one.acknowledgedBy ?? '', one.reason]),
    );
  say(
    `since ${new Date(sinceMs).toISOString()}: ${count('incident')} changes of incidents, ${count('act')} acts, ${count('trial')} trials and ${count('cycle')} cycles ended, ${count('champion')} changes of the champion`,
  );
  printTable(
    ['when', 'kind', 'what', 'who', 'why'],
    happened.map(({ atMs, kind, what, who, reason }) => [new Date(atMs).toISOString(), kind, what, who, reason]),
  );
  if (isCut) say(`there is more: only the newest ${mostOfKind} of a kind are listed; \`flywheel audit\` has all acts`);
}
