import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { whyFrozen } from '../domain/trial/freeze.ts';
import { liftFreeze, readFreeze, setFreeze } from '../store/records/freezes.ts';
import { actByCommand } from './act.ts';
import { openPolicy } from './open-policy.ts';
import { whoOption, type PersonalWord } from './person.ts';
import { printJson, say } from './print.ts';
import { oneLine } from './printable.ts';

interface Options extends PersonalWord {
  readonly json: boolean;
}

/** `flywheel freeze …`: no trial of a policy goes further before a date. */
export function registerFreezeCommands(program: Command): void {
  const freeze = program.command('freeze').description('let no trial of a policy advance before a date');
  const change = (name: string, description: string): Command =>
    whoOption(
      freeze
        .command(name)
        .description(description)
        .option('--policy <name>', 'policy', defaultPolicy)
        .requiredOption('--reason <text>', 'why; kept in the log'),
    ).option('--json', 'as JSON', false);

  change('set', 'no stage advances and no candidate gets more robots; the guard and rollbacks go on')
    .requiredOption('--until <time>', 'UTC day or time, at most 366 days away: 2026-12-24 or 2026-12-24T18:00Z')
    .action(async ({ policy, reason: why, who, until, json }: Options & { readonly until: string }) => {
      const context = await openPolicy(policy);
      const act = { act: 'freeze.set', policy, subject: until, reason: why, who };
      const work = () => setFreeze(context, { policy, who, why, until, mayShorten: true });
      const kept = await actByCommand(context, act, work, ({ untilMs }) => `frozen until ${iso(untilMs)}`);
      if (json) return printJson(kept);
      say(`trials of ${policy} do not advance before ${iso(kept.untilMs)}`);
    });

  change('lift', 'let trials advance again, before the date').action(
    async ({ policy, reason: why, who, json }: Options) => {
      const context = await openPolicy(policy);
      const act = { act: 'freeze.lift', policy, subject: '', reason: why, who };
      await actByCommand(
        context,
        act,
        (_, sinceMs) => liftFreeze(context, { policy, who, why, sinceMs }),
        () => 'trials advance again',
      );
      if (json) return printJson({ kind: 'none' });
      say(`trials of ${policy} advance again`);
    },
  );

  freeze
    .command('show')
    .description('show whether a policy is frozen, until when, by whom and why')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--json', 'as JSON', false)
    .action(async ({ policy, json }: { policy: string; json: boolean }) => {
      const { store, clock } = await openPolicy(policy);
      const state = await readFreeze(store, policy, clock());
      if (json) return printJson(state);
      say(oneLine(whyFrozen(state) ?? `${policy} is not frozen`));
    });
}

const iso = (atMs: number): string => new Date(atMs).toISOString();
