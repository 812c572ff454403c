import { robotTypeDigest } from '../datasets/robot-type-digest.ts';
import { openBodyFacts } from '../fleet/desk/body-facts.ts';
import { readAgentNote, transferRobot } from '../fleet/desk/transfer-robot.ts';
import { requireRobot, type RobotChange, type RobotRecord } from '../fleet/desk/robots.ts';
import { readPolicyDocument } from '../activities/registry/policy-document.ts';
import { robotTypeName } from '../datasets/robot-type.ts';
import { failure } from '../store/failures.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { readAliases } from '../store/records/aliases.ts';
import { readRobotType } from '../store/records/robot-types.ts';
import { listedBodies } from '../store/records/served-bodies.ts';
import { signOrdersOf, type CommandContext } from './context.ts';

/**
 * Moves a robot to another policy, or changes nothing: `Conflict` for an agent that would not take the transfer, a policy without a champion or of which
 * nothing serves the robot's body, or a fleet that signs no orders.
 */
export async function moveToPolicy(
  context: CommandContext,
  { to, ...change }: RobotChange & { readonly to: string },
): Promise<RobotRecord> {
  const { store, clock } = context;
  const { robotId } = change;
  const { robotType: madeFor } = await readPolicyDocument(store, to);
  const robot = await requireRobot(store, robotId);
  const type = await readRobotType(store, robot.robotType.id, robot.robotType.version);
  const { champion } = await readAliases({ store })({ policy: to });
  const problem = (expected: string): Error => failure('Conflict', expected, { coordinates: { robotId, policy: to } });
  if (champion === undefined) throw problem(`expected a policy with a champion to run, got ${to} without one`);
  const stranded = await whyStranded(store, { to, champion, madeFor, robot });
  if (stranded !== undefined) throw problem(stranded);
  const { orders } = context.keys();
  if (orders === undefined)
    throw problem(
      'expected a fleet with signed orders, because only the order key can move a robot to another policy: run `flywheel keys upgrade`',
    );
  const agent = await readAgentNote(store, robotId);
  if (agent?.knowsTransfers !== true)
    throw problem(
      agent === undefined
        ? 'expected an agent that supports transfers, but none has connected: upgrade gateways and the agent, and start it once'
        : `expected an agent that supports transfers, got version ${agent.agentVersion}, which would refuse every order of ${to}: upgrade it first`,
    );
  const record = await transferRobot(
    { store, clock, orders },
    { ...change, to, robotType: { ...robot.robotType, digest: robotTypeDigest(type) } },
  );
  // The order that comes with the transfer has to be younger than it.
  await signOrdersOf(context, to);
  return record;
}

interface Move {
  readonly to: string;
  readonly champion: string;
  /** What the policy's next models are made for. */
  readonly madeFor: RobotRecord['robotType'];
  readonly robot: Pick<RobotRecord, 'robotId' | 'robotType'>;
}

/** Why the robot would have no order there, and no word of its former policy either; undefined where it would have one. */
async function whyStranded(store: ObjectStore, { to, champion, madeFor, robot }: Move): Promise<string | undefined> {
  const body = robotTypeName(robot.robotType);
  const notServed = (await openBodyFacts(store).notServed(to, champion, [robot]))(robot.robotType);
  if (notServed?.keeps === null)
    return `expected a policy that serves ${body}, got ${to}, whose champion ${champion} does not (${notServed.standing}), nor does an earlier version: approve a version that lists the body with \`flywheel models serve\``;
  // Of a version that cannot be read nobody knows that it serves another body than its policy's.
  const isRead = body === robotTypeName(madeFor) || (await listedBodies(store, to, champion)) !== undefined;
  return isRead
    ? undefined
    : `expected a policy for robots of type ${body}, got ${to} for ${robotTypeName(madeFor)}, whose champion ${champion} cannot be read`;
}
