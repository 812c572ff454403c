import { setTimeout as sleep } from 'node:timers/promises';

import { fleetProfiles } from '../domain/trial/index.ts';
import { moveRobot, quarantineRobot, releaseRobot, retireRobot } from '../fleet/desk/index.ts';
import type { World } from './world.ts';

/** What an operator does to a robot, and when: fleet hours after the acts begin. */
export type OperatorAct = { readonly afterHours: number; readonly robotId: string; readonly reason: string } & (
  | { readonly act: 'quarantine' | 'release' | 'retire' }
  | { readonly act: 'move'; readonly site: string }
);

const who = 'an operator';
const fleetHourMs = fleetProfiles.compressed.dayMs / 24;
const lookEveryMs = 500;

/** Does each at its time, in their order; resolves after the last. */
export async function performActs(world: World, acts: readonly OperatorAct[]): Promise<void> {
  const startedMs = performance.now();
  for (const act of acts.toSorted((a, b) => a.afterHours - b.afterHours)) {
    await sleep(Math.max(0, startedMs + act.afterHours * fleetHourMs - performance.now()));
    await perform(world, act);
    world.say(`  ${who}: ${act.act} ${act.robotId}: ${act.reason}`);
  }
}

async function perform({ context, fleet }: World, act: OperatorAct): Promise<void> {
  const { robotId, reason: why } = act;
  const change = { robotId, who, why };
  switch (act.act) {
    case 'move':
      await moveRobot(context, { ...change, site: act.site });
      return;
    case 'quarantine':
      await quarantineRobot(context, change);
      return;
    case 'release':
      await releaseRobot(context, change);
      return;
    case 'retire':
      await retireRobot(context, change);
      fleet.leave(robotId);
      return;
    default:
      act satisfies never;
  }
}

/** Parks a robot, and waits until it has brought in all that it recorded: then it can be retired without a loss. */
export async function bringIn({ fleet }: World, robotId: string): Promise<void> {
  const position = fleet.robotIds.indexOf(robotId);
  fleet.trouble({ faults: [{ kind: 'parked', robots: [position] }] });
  // It ends its episode first, and makes segments of what it recorded.
  await sleep(10 * lookEveryMs);
  for (let empty = 0; empty < 4; empty = fleet.leftOn(robotId) === 0 ? empty + 1 : 0) await sleep(lookEveryMs);
}
