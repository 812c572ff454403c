import { userInfo } from 'node:os';

import type { Command } from 'commander';

import { readLastEvents } from '../activities/incidents/incident-log.ts';
import { readOpenIncidents } from '../activities/monitor/monitor-state.ts';
import { defaultPolicy } from '../activities/default-policy.ts';
import type { Acknowledgement } from '../workflows/monitor/messages.ts';
import { actByCommand } from './act.ts';
import { openContext, withClient } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { registerIncidentsSince } from './incidents-since.ts';
import type { PersonalWord } from './person.ts';
import { openPolicy } from './open-policy.ts';
import { printJson, printTable, say } from './print.ts';

interface ListOptions {
  readonly policy: string;
  readonly history: boolean;
  readonly limit: string;
  readonly json: boolean;
}

/** `flywheel incidents …`: what is wrong with a fleet, what was, and who has seen it. */
export function registerIncidentCommands(program: Command): void {
  const incidents = program.command('incidents').description('current and past problems of the fleet');

  incidents
    .command('list')
    .description('list open incidents, or with --history the last events of the incident log')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--history', 'opened, closed and acknowledged, newest last', false)
    .option('--limit <count>', 'maximum number of events', '100')
    .option('--json', 'as JSON', false)
    .action((options: ListOptions) => (options.history ? printHistory(options) : printOpen(options)));

  registerIncidentsSince(incidents);

  incidents
    .command('acknowledge')
    .description('record that somebody has seen an open incident; it stays open until its cause is gone')
    .argument('<incident-id>', 'as `incidents list` shows it')
    .requiredOption('--reason <text>', 'what you do about it; kept in the log')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--who <name>', 'who has seen it; recorded; default: your user name', userInfo().username)
    .option('--json', 'as JSON', false)
    .action(async (incidentId: string, options: PersonalWord & { json: boolean }) => {
      const { settings, ...ports } = await openContext();
      const { steering } = await import('../acts/steering.ts');
      await withClient(settings, async (client) => {
        const steer = steering({ client: async () => client, settings });
        const { policy, reason, who } = options;
        const word: Acknowledgement = { incidentId, reason, who };
        const act = { act: 'incident.acknowledge', policy, subject: incidentId, reason, who, isProtective: true };
        const answer = await actByCommand(ports, act, (actId) => steer.acknowledge(policy, { ...word, actId }), String);
        if (options.json) printJson({ ...word, answer });
        else say(answer);
      });
    });
}

async function printOpen({ policy, json }: ListOptions): Promise<void> {
  const { store } = await openPolicy(policy);
  const { lookedAtMs, incidents } = await readOpenIncidents(store, policy);
  if (json) return printJson({ policy, lookedAtMs, incidents });
  printTable(
    ['incident', 'since', 'seen by', 'what'],
    incidents.map((incident) => [
      incident.incidentId,
      new Date(incident.openedAtMs).toISOString(),
      incident.acknowledgedBy ?? '',
      incident.reason,
    ]),
  );
  say(
    lookedAtMs === null
      ? `no monitor has evaluated ${policy} yet: \`flywheel monitor --policy ${policy}\` starts one`
      : `last look ${new Date(lookedAtMs).toISOString()}`,
  );
}

async function printHistory({ policy, limit, json }: ListOptions): Promise<void> {
  const most = Number(limit);
  if (!Number.isInteger(most) || most < 1 || most > 100_000)
    throw new CommandError('wrong', `--limit: expected a whole number from 1 to 100000, got ${limit}`);
  const { store } = await openPolicy(policy);
  const damaged: string[] = [];
  const onDamage = ({ key }: { readonly key: string }): void => void damaged.push(key);
  const events = await readLastEvents(store, policy, most, { onDamage });
  if (json) return printJson({ policy, events, damaged });
  printTable(
    ['when', 'incident', 'state', 'who', 'what'],
    events.map((event) => [
      new Date(event.atMs).toISOString(),
      event.incidentId,
      event.state,
      event.who ?? '',
      event.reason,
    ]),
  );
  for (const key of damaged) say(`${key} is damaged and was skipped`);
}
