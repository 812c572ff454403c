import { randomBytes } from 'node:crypto';

import { Option, type Command } from 'commander';

import {
  addOperator,
  newOperatorToken,
  operatorRoles,
  readOperators,
  removeOperator,
  type OperatorRole,
} from '../fleet/desk/operators.ts';
import { tokenHash } from '../fleet/desk/robot-tokens.ts';
import { actByCommand } from './act.ts';
import { openContext } from './context.ts';
import { whoOption } from './person.ts';
import { printJson, printTable, say } from './print.ts';

interface Word {
  readonly reason: string;
  readonly who: string;
}

/** `flywheel operators …`: who may use the console. A token is printed once; only its hash is stored. */
export function registerOperatorCommands(program: Command): void {
  const operators = program.command('operators').description('people who may use the console, their roles and tokens');
  const change = (name: string, description: string): Command =>
    whoOption(
      operators
        .command(name)
        .description(description)
        .argument('<name>', 'lower-case letters, digits and dashes')
        .requiredOption('--reason <text>', 'why; kept in the log'),
    );

  change('add', 'allow a person to use the console, and print the token')
    .addOption(new Option('--role <role>', 'permissions').choices([...operatorRoles]).default('viewer'))
    .option('--json', 'as JSON', false)
    .action(async (name: string, options: Word & { role: OperatorRole; json: boolean }) => {
      const context = await openContext();
      const token = newOperatorToken(name, randomBytes);
      const { role, who, reason } = options;
      const operator = { name, role, tokenHash: tokenHash(token), who, why: reason };
      const act = { act: 'operator.add', policy: null, subject: name, reason, who };
      await actByCommand(
        context,
        act,
        () => addOperator(context, operator),
        () => `${name} is ${role}`,
      );
      if (options.json) return printJson({ name, role, token });
      say(`${name} is a console ${role} with this token, which is not shown again:`);
      say(token);
    });

  change('remove', 'revoke role and token, within 5 s').action(async (name: string, { who, reason }: Word) => {
    const context = await openContext();
    const act = { act: 'operator.remove', policy: null, subject: name, reason, who, isProtective: true };
    const remove = (): Promise<void> => removeOperator(context, { name, who, why: reason });
    await actByCommand(context, act, remove, () => `${name} may no longer use the console`);
    say(`${name} may no longer use the console`);
  });

  operators
    .command('list')
    .description('list who may use the console')
    .option('--json', 'as JSON', false)
    .action(async ({ json }: { json: boolean }) => {
      const found = [...(await readOperators((await openContext()).store)).values()];
      const shown = found.map(({ name, role, atMs, who, why }) => ({ name, role, atMs, who, why }));
      if (json) return printJson(shown);
      printTable(
        ['name', 'role', 'since', 'by', 'why'],
        shown.map(({ name, role, atMs, who, why }) => [name, role, new Date(atMs).toISOString(), who, why]),
      );
    });
}
