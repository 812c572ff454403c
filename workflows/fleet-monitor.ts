import {
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  rootCause,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';

import type { ObserveFleetResult } from '../activities/monitor/observe-fleet.ts';
import { chooseTrigger } from '../domain/monitoring/choose-trigger.ts';
import { defaultMonitorLimits, whyNoMonitorLimits, type MonitorLimits } from '../domain/monitoring/monitor-limits.ts';
import { fleetClock, fleetProfiles } from '../domain/trial/fleet-clock.ts';
import { driftActivities, monitorActivities } from './shared/activity-proxies.ts';
import { Chores } from './monitor/background-tasks.ts';
import { refuseOtherId } from './shared/fixed-id.ts';
import { mostAcknowledgements, refuseAcknowledgement } from './monitor/answers.ts';
import {
  acknowledgeUpdate,
  monitorStatusQuery,
  setLimitsUpdate,
  type Acknowledgement,
  type MonitorStatus,
} from './monitor/messages.ts';
import { describeMonitor } from './monitor/status-page.ts';
import { nowMs } from './shared/now.ts';
import { parsedInput } from './shared/parse-input.ts';
import { policyAttribute } from './shared/search-attributes.ts';
import { refuse } from './trial/guarded-loop.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

/** What a run hands to the next one; what robots did is in the store. */
interface Carried {
  /** What operators changed. */
  readonly limits: Partial<MonitorLimits>;
  readonly looks: number;
  readonly lastTrigger: MonitorStatus['lastTrigger'];
  readonly rolledBack: string | null;
  readonly drift: string | null;
  /** First record of the incident log that nobody was told; null before the first look. */
  readonly notifySeq: number | null;
  readonly baselineMs: number;
  readonly driftMs: number;
}

const fresh: Carried = {
  limits: {},
  looks: 0,
  lastTrigger: null,
  rolledBack: null,
  drift: null,
  notifySeq: null,
  baselineMs: 0,
  driftMs: 0,
};

const dayHours = 24;
const minuteMs = 60_000;

/**
 * Watches a fleet for years: looks at it every minute, opens and closes incidents and tells of them, starts a cycle when there
 * is something to learn, and takes a promotion back that crashes robots. Robots on trial are the trial's.
 */
export async function fleetMonitor(input?: unknown, carried: Carried = fresh): Promise<void> {
  let memory: Carried = carried;
  let given: MonitorLimits = defaultMonitorLimits;
  let status: MonitorStatus = {
    policy: '',
    looks: memory.looks,
    limits: { ...given, ...memory.limits },
    look: null,
    drift: memory.drift,
    lastTrigger: memory.lastTrigger,
    rolledBack: memory.rolledBack,
    trouble: null,
  };
  let seenDrift: { readonly alarm: boolean; readonly reason: string } | null = null;
  let isLookWanted = false;
  const inbox: Required<Acknowledgement>[] = [];
  const chores = new Chores();
  const remember = (change: Partial<Carried>, more: Partial<MonitorStatus> = {}): void => {
    memory = { ...memory, ...change };
    const { looks, lastTrigger, rolledBack, drift } = memory;
    const limits = { ...given, ...memory.limits };
    status = { ...status, looks, lastTrigger, rolledBack, drift, limits, ...more };
    setCurrentDetails(describeMonitor(status));
  };
  setHandler(monitorStatusQuery, () => status);
  setHandler(
    acknowledgeUpdate,
    ({ incidentId, reason, who = 'operator' }) => {
      inbox.push({ incidentId, reason, who });
      return `${incidentId} is acknowledged by ${who}`;
    },
    { validator: (word) => refuseAcknowledgement(word, status, inbox) },
  );
  setHandler(
    setLimitsUpdate,
    (limits) => {
      isLookWanted = true;
      remember({ limits: { ...memory.limits, ...limits } });
      return `${Object.keys(limits).join(', ')} changed; the others stay`;
    },
    {
      validator: (limits) => {
        const why = whyNoMonitorLimits(limits);
        if (why !== undefined) refuse(why);
      },
    },
  );

  const request = await parsedInput('fleetMonitor', input);
  const { policy, profile } = request;
  const dayMs = request.dayMs ?? fleetProfiles[profile].dayMs;
  const tickMs = request.tickMs ?? (profile === 'real' ? minuteMs : fleetProfiles[profile].tickMs);
  refuseOtherId(workflowIds.fleetMonitor(policy));
  upsertSearchAttributes([{ key: policyAttribute, value: policy }]);
  const clock = fleetClock({ dayMs });
  given = request.limits;
  remember({}, { policy });
  for (;;) {
    const startedMs = nowMs();
    isLookWanted = false;
    startChores(startedMs);
    const look = await lookedAt(startedMs);
    if (look === undefined) await sleep(tickMs);
    else {
      await act(look);
      const pauseMs = look.isBehind ? 1 : Math.max(1, startedMs + tickMs - nowMs());
      if (inbox.length === 0 && !isLookWanted) await condition(() => inbox.length > 0 || isLookWanted, pauseMs);
    }
    if (workflowInfo().continueAsNewSuggested && !chores.areRunning && inbox.length === 0) {
      await condition(allHandlersFinished);
      return continueAsNew<typeof fleetMonitor>(input, memory);
    }
  }

  /** What takes long goes on beside the looks. */
  function startChores(atMs: number): void {
    if (atMs - memory.baselineMs >= clock.realMs(dayHours))
      chores.start('summing up the past', async () => {
        await monitorActivities().refreshFleetBaseline.executeWithOptions(
          { startToCloseTimeout: '30 minutes', scheduleToCloseTimeout: '1 hour' },
          [{ policy, nowMs: atMs, dayMs }],
        );
        remember({ baselineMs: atMs });
      });
    if (request.drift && atMs - memory.driftMs >= clock.realMs(status.limits.driftEveryHours))
      chores.start('looking for drift', async () => {
        remember({ driftMs: atMs });
        const { isJudged, alarm, reason } = await driftActivities().observeDrift({ policy, nowMs: atMs });
        if (isJudged) seenDrift = { alarm, reason };
        remember({ drift: `${isJudged ? (alarm ? 'drifted' : 'as before') : 'not judged'}: ${reason}` });
      });
  }

  /** One look; undefined when it failed: the next one looks anew. */
  async function lookedAt(atMs: number): Promise<ObserveFleetResult | undefined> {
    const acknowledgements = inbox.splice(0, mostAcknowledgements);
    const drift = seenDrift;
    seenDrift = null;
    try {
      const look = await monitorActivities().observeFleet({
        policy,
        dayMs,
        nowMs: atMs,
        limits: { ...status.limits },
        automaticRollback: request.automaticRollback,
        rolledBack: memory.rolledBack,
        drift,
        acknowledgements,
      });
      remember({ looks: memory.looks + 1 }, { look, trouble: null });
      return look;
    } catch (error) {
      if (isCancellation(error)) throw error;
      inbox.unshift(...acknowledgements);
      seenDrift ??= drift;
      remember({}, { trouble: rootCause(error) ?? String(error) });
      return undefined;
    }
  }

  async function act(look: ObserveFleetResult): Promise<void> {
    tell(look);
    try {
      await takeBack(look);
      await learn(look);
    } catch (error) {
      if (isCancellation(error)) throw error;
      remember({}, { trouble: rootCause(error) ?? String(error) });
    }
  }

  function tell({ logEndSeq, changes }: ObserveFleetResult): void {
    const isChanged = changes.opened + changes.closed + changes.acknowledged > 0;
    // Whoever starts a monitor is not told what an earlier one has told.
    if (memory.notifySeq === null) remember({ notifySeq: logEndSeq - (isChanged ? 1 : 0) });
    const fromSeq = memory.notifySeq ?? logEndSeq;
    if (fromSeq >= logEndSeq) return;
    chores.start('telling of incidents', async () => {
      remember({ notifySeq: (await monitorActivities().notifyIncidents({ policy, fromSeq })).nextSeq });
    });
  }

  async function takeBack({ rollback }: ObserveFleetResult): Promise<void> {
    if (rollback.kind !== 'start' || rollback.promotion === memory.rolledBack) return;
    await monitorActivities().startRollback({ policy, reason: rollback.reason });
    remember({ rolledBack: rollback.promotion });
  }

  async function learn({ trigger, rollback }: ObserveFleetResult): Promise<void> {
    if (!request.triggers || rollback.kind !== 'none') return;
    const last = memory.lastTrigger;
    const choice = chooseTrigger(
      {
        drift: trigger.drift ?? undefined,
        errorRate: trigger.errorRate ?? undefined,
        correctedFrames: trigger.correctedFrames,
        runningCycles: trigger.runningCycles ?? undefined,
        hoursSinceTrigger: last === null ? undefined : clock.fleetHours(nowMs() - last.atMs),
      },
      status.limits,
    );
    if (choice.kind === 'wait') return;
    const { cause } = choice;
    const { workflowId } = await monitorActivities().triggerCycle({ policy, cause, request: request.cycle });
    remember({ lastTrigger: { atMs: nowMs(), cause, workflowId } });
  }
}
