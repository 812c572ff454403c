import { publishRobotType } from '../store/records/robot-types.ts';
import { registerBaseline } from '../activities/registry/register-baseline.ts';
import { readAliases } from '../store/records/aliases.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import { tinyPolicy } from '../policies/tiny-policy.ts';
import { signOrdersOf, type CommandContext } from '../cli/context.ts';

const tinyPolicySeed = 1;

/**
 * Makes the robot type known and gives a policy without a champion a tiny, untrained baseline: poor on purpose, valid, and
 * something to improve upon. Does nothing for a policy that has a champion.
 */
export async function registerTinyBaseline(
  context: CommandContext,
  policy: string,
  robotType: RobotType,
): Promise<'registered' | 'present'> {
  await publishRobotType(context.store, robotType);
  const { champion } = await readAliases(context)({ policy });
  if (champion !== undefined) return 'present';
  await registerBaseline({ ...context, signer: context.signer() })({
    policy,
    robotType: { id: robotType.id, version: robotType.version },
    model: tinyPolicy(robotType, tinyPolicySeed),
    who: 'temporal-dev.sh',
    why: 'a tiny untrained policy to start from',
  });
  await signOrdersOf(context, policy);
  return 'registered';
}
