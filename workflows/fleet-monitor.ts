import { allHandlersFinished, condition, sleep, upsertSearchAttributes } from '@temporalio/workflow';

import { fleetClock, fleetProfiles } from '../domain/trial/fleet-clock.ts';
import { refuseOtherId } from './shared/fixed-id.ts';
import { FleetWatch, fresh, type Carried } from './monitor/fleet-watch.ts';
import { continueOnCurrentBuild, isNextRunDue } from './shared/next-run.ts';
import { nowMs } from './shared/now.ts';
import { parsedInput } from './shared/parse-input.ts';
import { policyAttribute } from './shared/search-attributes.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

const minuteMs = 60_000;

/**
 * Watches a fleet for years: looks at it every minute, opens and closes incidents and tells of them, starts a cycle when there
 * is something to learn, and takes a promotion back that crashes robots. Robots on trial are the trial's.
 */
export async function fleetMonitor(input?: unknown, carried: Carried = fresh): Promise<void> {
  const watch = new FleetWatch(carried);
  const request = await parsedInput('fleetMonitor', input);
  const { policy, profile } = request;
  const dayMs = request.dayMs ?? fleetProfiles[profile].dayMs;
  const tickMs = request.tickMs ?? (profile === 'real' ? minuteMs : fleetProfiles[profile].tickMs);
  refuseOtherId(workflowIds.fleetMonitor(policy));
  upsertSearchAttributes([{ key: policyAttribute, value: policy }]);
  const clock = fleetClock({ dayMs });
  watch.begin(request);
  for (;;) {
    const startedMs = nowMs();
    watch.startTasks(request, dayMs, startedMs);
    const look = await watch.look(request, dayMs, startedMs);
    if (look === undefined) await sleep(tickMs);
    else {
      await watch.act(request, clock, look);
      const pauseMs = look.isBehind ? 1 : Math.max(1, startedMs + tickMs - nowMs());
      if (!watch.isLookWanted) await condition(() => watch.isLookWanted, pauseMs);
    }
    if (isNextRunDue() && watch.isAtRest) {
      await condition(allHandlersFinished);
      return continueOnCurrentBuild<typeof fleetMonitor>(input, watch.memory);
    }
  }
}
