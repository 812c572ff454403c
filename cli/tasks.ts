import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { readPolicyDocument } from '../activities/registry/policy-document.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import type { CatalogueTask, TaskChange, TaskRefusal } from '../datasets/task-catalogue.ts';
import { readRobotType } from '../store/records/robot-types.ts';
import { changeTasks, readTaskCatalogue } from '../store/records/task-log.ts';
import { CommandError } from './exit-codes.ts';
import { printable } from './printable.ts';
import { readRefusedTasks } from '../fleet/desk/refused-tasks.ts';
import { openContext, type CommandContext } from './context.ts';
import { whoOption, type PersonalWord } from './person.ts';
import { printJson, printTable, say } from './print.ts';
import { readTaskFile } from './task-file.ts';

interface ChangeOptions extends PersonalWord {
  readonly json: boolean;
}

/** `flywheel tasks …`: what a policy's robots may be asked to do. */
export function registerTaskCommands(program: Command): void {
  const tasks = program
    .command('tasks')
    .description('task catalogue of a policy: the tasks that its robots may be asked to do');
  const change = (name: string, description: string): Command =>
    whoOption(withPolicy(tasks.command(name).description(description))).requiredOption(
      '--reason <text>',
      'why; kept in the log',
    );

  change('add', 'add a task, or reactivate a retired one; its index never changes')
    .argument('<id>', 'lower-case letters, digits and dashes')
    .requiredOption('--instruction <sentence>', 'the instruction that a person would give')
    .action((id: string, options: ChangeOptions & { instruction: string }) =>
      changed([{ kind: 'add', id, instruction: options.instruction }], options),
    );

  change('retire', 'exclude a task from training and statistics; its data and index stay')
    .argument('<id>', 'as in `tasks list`')
    .action((id: string, options: ChangeOptions) => changed([{ kind: 'retire', id }], options));

  change('import', 'add the tasks of a file, all of them or none')
    .argument('<file>', 'CSV with columns id and instruction, or JSON lines {"id": …, "instruction": …}')
    .action(async (file: string, options: ChangeOptions) => {
      const rows = await readTaskFile(file);
      const changes = rows.map(({ id, instruction }): TaskChange => ({ kind: 'add', id, instruction }));
      await changed(
        changes,
        options,
        ({ position, id, reason }) => `line ${rows[position]?.line}: task ${id}: ${reason}`,
      );
    });

  change('release', 'release episodes that were refused because this task was unknown; the next collection reads them')
    .argument('<id>', 'as in `tasks list`')
    .action((id: string, options: ChangeOptions) => released(id, options));

  registerRefused(tasks);

  withPolicy(
    tasks.command('list').description('list tasks by index: status, instruction, who changed them last and why'),
  ).action(async (options: { policy: string; json: boolean }) => {
    const { store, robotType } = await openCatalogue(options.policy);
    const catalogue = await readTaskCatalogue(store, options.policy, robotType);
    if (options.json) return printJson({ policy: options.policy, ...catalogue });
    printTable(['index', 'task', 'status', 'instruction', 'since', 'who', 'reason'], catalogue.tasks.map(rowOf));
  });
}

function registerRefused(tasks: Command): void {
  withPolicy(
    tasks
      .command('refused')
      .description('list requested tasks that the robots’ models do not know: how often, on how many robots')
      .option('--hours <count>', 'number of hours to look back', '24'),
  ).action(async ({ policy, hours, json }: { policy: string; hours: string; json: boolean }) => {
    const spanHours = Number(hours);
    if (!(spanHours > 0 && spanHours <= mostHours))
      throw new CommandError('wrong', `--hours: expected a number from 0 to ${mostHours}, got ${hours}`);
    const { store, clock } = await openCatalogue(policy);
    const nowMs = clock();
    const startMs = Math.max(0, Math.round(nowMs - spanHours * 3_600_000));
    const refused = await readRefusedTasks(store, { policy, startMs, endMs: nowMs }, ({ key }) =>
      process.stderr.write(`flywheel: ${printable(key)} is damaged and was skipped\n`),
    );
    if (json) return printJson(refused);
    printTable(
      ['task', 'times', 'robots', 'versions that do not know it'],
      refused.map(({ task, count, robots, versions }) => [task, count, robots, versions.join(', ')]),
    );
  });
}

const mostHours = 10_000;

const withPolicy = (command: Command): Command =>
  command.option('--policy <name>', 'policy', defaultPolicy).option('--json', 'as JSON', false);

const rowOf = ({ index, id, status, instruction, said }: CatalogueTask): readonly (string | number)[] => [
  index,
  id,
  status,
  instruction,
  said === undefined ? 'with the robot type' : new Date(said.atMs).toISOString(),
  said?.who ?? '',
  said?.why ?? '',
];

async function openCatalogue(policy: string): Promise<CommandContext & { readonly robotType: RobotType }> {
  const context = await openContext();
  const { robotType } = await readPolicyDocument(context.store, policy);
  return { ...context, robotType: await readRobotType(context.store, robotType.id, robotType.version) };
}

async function changed(
  changes: readonly TaskChange[],
  { policy, reason, who, json }: ChangeOptions,
  describe?: (refusal: TaskRefusal) => string,
): Promise<void> {
  const { store, clock, robotType } = await openCatalogue(policy);
  const asked = { policy, robotType, changes, who, why: reason };
  const { catalogue, changed: made } = await changeTasks(
    { store, clock },
    describe === undefined ? asked : { ...asked, describe },
  );
  if (json) return printJson({ policy, seq: catalogue.seq, changed: made });
  for (const { kind, id } of made) {
    const index = catalogue.tasks.find((task) => task.id === id)?.index;
    say(kind === 'add' ? `task ${id} is active with index ${index}` : `task ${id} is retired; it keeps index ${index}`);
  }
  if (made.length < changes.length)
    say(`${changes.length - made.length} of ${changes.length} changes were already in effect`);
  if (made.length > 0) say('applies to the next cycle and the next trial; robots receive it within a minute');
}

/** Releases one by one: what was put back before a break is not put back again. */
async function released(id: string, { policy, reason, who, json }: ChangeOptions): Promise<void> {
  const { store, clock, robotType } = await openCatalogue(policy);
  const { tasks } = await readTaskCatalogue(store, policy, robotType);
  if (!tasks.some((task) => task.id === id))
    throw new CommandError(
      'wrong',
      `expected a task of policy ${policy}, got ${id}: add it with \`flywheel tasks add\``,
    );
  const { releaseRefusedForTask } = await import('../activities/collection/release-refused-for-task.ts');
  const counts = await releaseRefusedForTask({ store, clock }, { task: id, robotType, reason, who });
  if (json) return printJson({ policy, task: id, ...counts });
  say(`${counts.released} returned to landing, ${counts.releasedBefore} had been returned before`);
  if (counts.held > 0) say(`${counts.held} broke other rules as well and stay: \`data quarantine\` shows them`);
}
