import { ScheduleNotFoundError, WorkflowNotFoundError, type Client } from '@temporalio/client';

import { weeklyScheduleId } from '../../activities/schedule-id.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { isPlannedPause } from '../../domain/monitoring/loop-findings.ts';
import { trialsOf } from '../../fleet/desk/assignment-record.ts';
import type { FleetReader } from '../../fleet/desk/fleet-reader.ts';
import { ok, problem, warning, type Check, type Found } from './finding.ts';

const limitMs = 8_000;

export interface LoopPorts {
  readonly client: Client;
  readonly fleet: Pick<FleetReader, 'readAssignments'>;
  readonly nowMs: number;
}

/** What has to run for years for each policy, and what starts its cycles. */
export const loopChecks = (ports: LoopPorts, policies: readonly string[]): readonly Check[] =>
  policies.flatMap((policy) => [
    workflowCheck(ports, policy, 'fleetMonitor', 'opens incidents'),
    workflowCheck(ports, policy, 'keepStore', 'deletes what is no longer needed'),
    workflowCheck(ports, policy, 'keepFacts', 'compacts the reports of robots'),
    slotCheck(ports, policy),
    scheduleCheck(ports, policy),
  ]);

function workflowCheck(
  { client }: LoopPorts,
  policy: string,
  type: 'fleetMonitor' | 'keepStore' | 'keepFacts',
  does: string,
): Check {
  const id = workflowIds[type](policy);
  const expected = `${id} running: it ${does}`;
  const mend = `\`flywheel monitor --policy ${policy}\``;
  return {
    name: id,
    expected,
    mend,
    async look() {
      const state = await stateOf(client, id);
      if (state === undefined) return [problem('no such workflow', expected, mend)];
      return [state === 'RUNNING' ? ok('runs') : problem(`its last run is ${state}`, expected, mend)];
    },
  };
}

/** Undefined where there never was one, or the server forgot it. */
async function stateOf(client: Client, workflowId: string): Promise<string | undefined> {
  try {
    const describe = () => client.workflow.getHandle(workflowId).describe();
    return (await client.withDeadline(Date.now() + limitMs, describe)).status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** Needed while robots are ordered to run something for a trial: nobody else returns them when it does harm. */
function slotCheck({ client, fleet }: LoopPorts, policy: string): Check {
  const id = workflowIds.trialPolicy(policy);
  const mend = `\`flywheel trial status --policy ${policy}\`, then \`flywheel rollback start --policy ${policy} --reason …\``;
  return {
    name: id,
    expected: 'the trial slot of the policy, or no robot on trial',
    mend,
    async look() {
      const { current } = await fleet.readAssignments(policy);
      const [trial] = current === undefined ? [] : trialsOf(current.record);
      if ((await stateOf(client, id)) === 'RUNNING') return [ok('runs')];
      if (trial === undefined) return [ok('not needed: no robot is on trial')];
      const found = `robots are ordered to run a candidate for ${trial}, and no trial runs`;
      return [problem(found, `${id} running while robots are on trial`, mend)];
    },
  };
}

function scheduleCheck({ client, nowMs }: LoopPorts, policy: string): Check {
  const id = weeklyScheduleId(policy);
  const make = `\`flywheel schedule --policy ${policy}\``;
  const expected = `the schedule ${id}, not paused`;
  return {
    name: `schedule ${id}`,
    expected,
    mend: make,
    async look(): Promise<readonly Found[]> {
      try {
        const describe = () => client.schedule.getHandle(id).describe();
        const { state, info } = await client.withDeadline(Date.now() + limitMs, describe);
        if (!state.paused) return [ok(`next cycle ${info.nextActionTimes[0]?.toISOString() ?? 'unknown'}`)];
        const found = `paused: ${state.note || 'no note'}`;
        if (isPlannedPause(state.note ?? '', nowMs)) return [ok(found)];
        return [warning(found, expected, `\`temporal schedule toggle --schedule-id ${id} --unpause --reason …\``)];
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
        return [problem('no such schedule', expected, make)];
      }
    },
  };
}
