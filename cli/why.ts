import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { parsePolicyVersion } from '../domain/registry/index.ts';
import { readRobotLife } from '../fleet/desk/robot-life.ts';
import { CommandError } from './exit-codes.ts';
import { openPolicy } from './open-policy.ts';
import { openContext } from './context.ts';
import { printJson, say } from './print.ts';
import { oneLine } from './printable.ts';
import type { Explanation, Question, Reason } from './why/reason.ts';

interface Options {
  readonly policy: string;
  readonly json: boolean;
}

/** `flywheel why …`: the chain of reasons in sentences, from what the store and the workflows say already. */
export function registerWhyCommand(program: Command): void {
  program
    .command('why')
    .description('say why: why a trial holds, a version is not champion, a cycle ended so, a robot runs what it runs')
    .argument('<what>', '`trial`, the id of a trial or cycle, a version like 1.2.3, or a robot id')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--json', 'as JSON', false)
    .action(async (what: string, { policy, json }: Options) => {
      const damaged: string[] = [];
      const explanation = await explain(what, policy, (key) => damaged.push(key));
      if (json) return printJson({ ...explanation, damaged });
      print(explanation);
      for (const key of damaged) say(`${key} is damaged and was skipped`);
    });
}

const robotIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const longestName = 200;

async function explain(what: string, policy: string, damaged: (key: string) => void): Promise<Explanation> {
  if (what.length > longestName) throw unknown(what);
  const onDamage = ({ key }: { readonly key: string }): void => damaged(key);
  if (robotIdPattern.test(what) && parsePolicyVersion(what) === undefined) {
    const context = await openContext();
    if ((await readRobotLife(context.store, what)).length > 0)
      return (await import('./why/robot.ts')).whyRobot({ context, policy, what, onDamage });
  }
  const question: Question = { context: await openPolicy(policy), policy, what, onDamage };
  if (parsePolicyVersion(what) !== undefined) return (await import('./why/model.ts')).whyModel(question);
  const { cycleIdsOf, whyCycle } = await import('./why/cycle.ts');
  const cycleId = (await cycleIdsOf(question)).at(-1);
  if (cycleId !== undefined) return whyCycle(question, cycleId);
  const { whyTrial, isTrial } = await import('./why/trial.ts');
  if (await isTrial(question)) return whyTrial(question);
  throw unknown(what);
}

const unknown = (what: string): CommandError =>
  new CommandError(
    'wrong',
    `expected \`trial\`, a version, a registered robot, or the id of a trial or a cycle that ended (\`flywheel cycle list\`), got ${what.slice(0, 80)}`,
  );

function print({ subject, answer, reasons }: Explanation): void {
  say(oneLine(`${subject}: ${answer}`));
  for (const reason of reasons) say(`  – ${oneLine(textOf(reason))}`);
}

function textOf({ sentence, value, limit, unit, sample, see }: Reason): string {
  const figures = [
    ...(value === undefined ? [] : [`value ${shown(value)}`]),
    ...(limit === undefined ? [] : [`limit ${shown(limit)}`]),
    ...(unit === undefined || (value === undefined && limit === undefined) ? [] : [unit]),
    ...(sample === undefined ? [] : [`on ${sample}`]),
  ];
  return `${sentence}${figures.length === 0 ? '' : ` (${figures.join(', ')})`}${see === undefined ? '' : `; see \`${see}\``}`;
}

const shown = (value: number): string => String(Number(value.toPrecision(6)));
