import { robotTypeDigest } from '../datasets/robot-type-digest.ts';
import { readAgentNote, transferRobot } from '../fleet/desk/transfer-robot.ts';
import type { RobotChange, RobotRecord } from '../fleet/desk/robots.ts';
import { readPolicyDocument } from '../activities/registry/policy-document.ts';
import { failure } from '../store/failures.ts';
import { readAliases } from '../store/records/aliases.ts';
import { readRobotType } from '../store/records/robot-types.ts';
import { signOrdersOf, type CommandContext } from './context.ts';

/**
 * Moves a robot to another policy, or changes nothing: `Conflict` for an agent that would not take the transfer, a policy without a champion,
 * another robot type, or a fleet that signs no orders.
 */
export async function moveToPolicy(
  context: CommandContext,
  { to, ...change }: RobotChange & { readonly to: string },
): Promise<RobotRecord> {
  const { store, clock } = context;
  const { robotId } = change;
  const { robotType } = await readPolicyDocument(store, to);
  const type = await readRobotType(store, robotType.id, robotType.version);
  const { champion } = await readAliases({ store })({ policy: to });
  const problem = (expected: string): Error => failure('Conflict', expected, { coordinates: { robotId, policy: to } });
  if (champion === undefined) throw problem(`expected a policy with a champion to run, got ${to} without one`);
  const { orders } = context.keys();
  if (orders === undefined)
    throw problem(
      'expected a fleet that signs its orders, since a robot takes another policy from the order key alone: run `flywheel keys upgrade`',
    );
  const agent = await readAgentNote(store, robotId);
  if (agent?.knowsTransfers !== true)
    throw problem(
      agent === undefined
        ? 'expected an agent that knows transfers, none was heard of: bring gateways and the agent up to date and let it start once'
        : `expected an agent that knows transfers, got version ${agent.agentVersion}, which would refuse every order of ${to}: bring it up to date first`,
    );
  const record = await transferRobot(
    { store, clock, orders },
    { ...change, to, robotType: { ...robotType, digest: robotTypeDigest(type) } },
  );
  // The order that comes with the transfer has to be younger than it.
  await signOrdersOf(context, to);
  return record;
}
