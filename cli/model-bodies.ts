import type { Command } from 'commander';

import { robotTypeName } from '../datasets/robot-type.ts';
import { defaultPolicy } from '../activities/default-policy.ts';
import { readRobots } from '../fleet/desk/robots.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readAliases } from '../store/records/aliases.ts';
import { approveBody } from '../store/records/served-bodies.ts';
import { signOrdersOf } from './context.ts';
import { openPolicy } from './open-policy.ts';
import { parseRobotType } from './parse-robot-type.ts';
import { whoOption } from './person.ts';
import { printJson, say } from './print.ts';

interface BodyOptions {
  readonly policy: string;
  readonly robotType: string;
  readonly who: string;
  readonly reason: string;
  readonly json: boolean;
}

/** `flywheel models adopt|serve`: newer bodies of a policy's robots. Each act is a record with who and why. */
export function registerModelBodyCommands(models: Command): void {
  const act = (name: string, description: string): Command =>
    whoOption(
      models
        .command(name)
        .description(description)
        .requiredOption('--robot-type <id@version>', 'body: a version of the policy’s robot type')
        .requiredOption('--reason <text>', 'why; recorded')
        .option('--policy <name>', 'policy', defaultPolicy),
    ).option('--json', 'as JSON', false);

  act(
    'adopt',
    'train the policy’s next models for a newer body, and register champion and baseline again with this body as unproven',
  ).action(async (options: BodyOptions) => {
    const context = await openPolicy(options.policy);
    const { policy, who, reason: why } = options;
    const { adoptBody } = await import('../activities/registry/adopt-body.ts');
    const ports = { ...context, signer: context.signer() };
    const adopted = await adoptBody(ports)({ policy, robotType: parseRobotType(options.robotType), who, why });
    await signOrdersOf(context, policy);
    if (options.json) return printJson(adopted);
    say(`the next models of ${policy} are trained for ${robotTypeName(adopted.robotType)}`);
    for (const { alias, version, registeredAs, because } of adopted.versions)
      say(
        registeredAs === undefined
          ? `${alias} ${version} is unchanged: ${because ?? ''}`
          : `${alias} ${version} is now ${registeredAs}, unproven on that body: see \`flywheel models serve\``,
      );
  });

  act('serve', 'approve a version for robots of a body that it lists as unproven')
    .requiredOption('--version <version>', 'policy version')
    .option(
      '--revoke',
      'withdraw the approval, or exclude a proven body: such robots return to another version that serves them',
      false,
    )
    .action(async (options: BodyOptions & { version: string; revoke: boolean }) => {
      const context = await openPolicy(options.policy);
      const { policy, version, who, reason: why } = options;
      const robotType = parseRobotType(options.robotType);
      const kind = options.revoke ? 'revoke' : 'serve';
      const record = await approveBody(context, { policy, version, robotType, who, why }, kind);
      if (options.json) return printJson(record);
      say(`${version} is ${options.revoke ? 'no longer approved' : 'approved'} for ${robotTypeName(robotType)}`);
      const { champion } = await readAliases(context)({ policy });
      if (!options.revoke && champion === version) say(allAtOnce(await robotsOf(context.store, policy, robotType)));
    });
}

const robotsOf = async (store: ObjectStore, policy: string, { id, version }: BodyName): Promise<number> =>
  [...(await readRobots(store)).values()].filter(
    ({ robotType, ...robot }) =>
      robot.policy === policy && robot.retiredMs === undefined && robotType.id === id && robotType.version === version,
  ).length;

type BodyName = ReturnType<typeof parseRobotType>;

/** An approval of the champion is no trial: nobody goes first. */
const allAtOnce = (robots: number): string =>
  `it is the champion: ${robots === 1 ? '1 robot' : `${robots} robots`} of that body run it with their next order, all at once and in no stage`;
