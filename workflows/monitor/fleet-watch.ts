import { isCancellation, rootCause, setCurrentDetails, setHandler } from '@temporalio/workflow';

import type { ObserveFleetResult } from '../../activities/monitor/observe-fleet.ts';
import type { ParsedInput } from '../../activities/workflow-inputs.ts';
import { chooseTrigger, isDriftLookDue } from '../../domain/monitoring/choose-trigger.ts';
import {
  defaultMonitorLimits,
  whyNoMonitorLimits,
  type MonitorLimits,
} from '../../domain/monitoring/monitor-limits.ts';
import { fleetClock, type FleetClock } from '../../domain/trial/fleet-clock.ts';
import { driftActivities, monitorActivities } from '../shared/activity-proxies.ts';
import { nowMs } from '../shared/now.ts';
import { refuse } from '../trial/guarded-loop.ts';
import { mostAcknowledgements, refuseAcknowledgement } from './answers.ts';
import { BackgroundTasks } from './background-tasks.ts';
import {
  acknowledgeUpdate,
  monitorStatusQuery,
  setLimitsUpdate,
  type Acknowledgement,
  type MonitorStatus,
} from './messages.ts';
import { describeMonitor } from './status-page.ts';

/** What a run hands to the next one; what robots did is in the store. */
export interface Carried {
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

export const fresh: Carried = {
  limits: {},
  looks: 0,
  lastTrigger: null,
  rolledBack: null,
  drift: null,
  notifySeq: null,
  baselineMs: 0,
  driftMs: 0,
};

type Request = Pick<
  ParsedInput<'fleetMonitor'>,
  'policy' | 'limits' | 'automaticRollback' | 'triggers' | 'drift' | 'cycle'
>;

const dayHours = 24;

/** What a monitor knows and does between its looks. Answers people from the moment it exists; looks once it was told whose fleet. */
export class FleetWatch {
  #memory: Carried;
  #given: MonitorLimits = defaultMonitorLimits;
  #status: MonitorStatus;
  #seenDrift: { readonly alarm: boolean; readonly reason: string } | null = null;
  #isLookWanted = false;
  readonly #inbox: Required<Acknowledgement>[] = [];
  readonly #tasks = new BackgroundTasks();

  constructor(carried: Carried) {
    this.#memory = carried;
    const { looks, drift, lastTrigger, rolledBack } = carried;
    const limits = { ...this.#given, ...carried.limits };
    this.#status = { policy: '', looks, limits, look: null, drift, lastTrigger, rolledBack, trouble: null };
    this.#listen();
  }

  /** What goes to the next run. */
  get memory(): Carried {
    return this.#memory;
  }

  /** Somebody said what the next look must know. */
  get isLookWanted(): boolean {
    return this.#inbox.length > 0 || this.#isLookWanted;
  }

  /** Nothing runs and nothing waits that a new run would lose. */
  get isAtRest(): boolean {
    return !this.#tasks.areRunning && this.#inbox.length === 0;
  }

  begin({ policy, limits }: Request): void {
    this.#given = limits;
    this.#remember({}, { policy });
  }

  #listen(): void {
    setHandler(monitorStatusQuery, () => this.#status);
    setHandler(
      acknowledgeUpdate,
      ({ incidentId, reason, who = 'operator' }) => {
        this.#inbox.push({ incidentId, reason, who });
        return `${incidentId} is acknowledged by ${who}`;
      },
      { validator: (word) => refuseAcknowledgement(word, this.#status, this.#inbox) },
    );
    setHandler(
      setLimitsUpdate,
      (limits) => {
        this.#isLookWanted = true;
        this.#remember({ limits: { ...this.#memory.limits, ...limits } });
        return `${Object.keys(limits).join(', ')} changed; the others stay`;
      },
      {
        validator: (limits) => {
          const why = whyNoMonitorLimits(limits);
          if (why !== undefined) refuse(why);
        },
      },
    );
  }

  #remember(change: Partial<Carried>, more: Partial<MonitorStatus> = {}): void {
    this.#memory = { ...this.#memory, ...change };
    const { looks, lastTrigger, rolledBack, drift } = this.#memory;
    const limits = { ...this.#given, ...this.#memory.limits };
    this.#status = { ...this.#status, looks, lastTrigger, rolledBack, drift, limits, ...more };
    setCurrentDetails(describeMonitor(this.#status));
  }

  /** What takes long goes on beside the looks. */
  startTasks(request: Request, dayMs: number, atMs: number): void {
    const { policy } = request;
    const clock = fleetClock({ dayMs });
    if (atMs - this.#memory.baselineMs >= clock.realMs(dayHours))
      this.#tasks.start('summing up the past', async () => {
        await monitorActivities().refreshFleetBaseline.executeWithOptions(
          { startToCloseTimeout: '30 minutes', scheduleToCloseTimeout: '1 hour' },
          [{ policy, nowMs: atMs, dayMs }],
        );
        this.#remember({ baselineMs: atMs });
      });
    if (request.drift && isDriftLookDue(atMs - this.#memory.driftMs, this.#status.limits, clock))
      this.#tasks.start('looking for drift', async () => {
        this.#remember({ driftMs: atMs });
        const { isJudged, alarm, reason } = await driftActivities().observeDrift({ policy, nowMs: atMs });
        if (isJudged) this.#seenDrift = { alarm, reason };
        this.#remember({ drift: `${isJudged ? (alarm ? 'drifted' : 'as before') : 'not judged'}: ${reason}` });
      });
  }

  /** One look; undefined when it failed: the next one looks anew. */
  async look(
    { policy, automaticRollback }: Request,
    dayMs: number,
    atMs: number,
  ): Promise<ObserveFleetResult | undefined> {
    this.#isLookWanted = false;
    const acknowledgements = this.#inbox.splice(0, mostAcknowledgements);
    const drift = this.#seenDrift;
    this.#seenDrift = null;
    try {
      const look = await monitorActivities().observeFleet({
        policy,
        dayMs,
        nowMs: atMs,
        limits: { ...this.#status.limits },
        automaticRollback,
        rolledBack: this.#memory.rolledBack,
        drift,
        acknowledgements,
      });
      this.#remember({ looks: this.#memory.looks + 1 }, { look, trouble: null });
      return look;
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.#inbox.unshift(...acknowledgements);
      this.#seenDrift ??= drift;
      this.#remember({}, { trouble: rootCause(error) ?? String(error) });
      return undefined;
    }
  }

  /** Tells of what a look found, takes a promotion back, starts a cycle. */
  async act(request: Request, clock: FleetClock, look: ObserveFleetResult): Promise<void> {
    this.#tell(request, look);
    try {
      await this.#takeBack(request, look);
      await this.#learn(request, clock, look);
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.#remember({}, { trouble: rootCause(error) ?? String(error) });
    }
  }

  #tell({ policy }: Request, { logEndSeq, changes }: ObserveFleetResult): void {
    const isChanged = changes.opened + changes.closed + changes.acknowledged > 0;
    // Whoever starts a monitor is not told what an earlier one has told.
    if (this.#memory.notifySeq === null) this.#remember({ notifySeq: logEndSeq - (isChanged ? 1 : 0) });
    const fromSeq = this.#memory.notifySeq ?? logEndSeq;
    if (fromSeq >= logEndSeq) return;
    this.#tasks.start('telling of incidents', async () => {
      this.#remember({ notifySeq: (await monitorActivities().notifyIncidents({ policy, fromSeq })).nextSeq });
    });
  }

  async #takeBack({ policy }: Request, { rollback }: ObserveFleetResult): Promise<void> {
    if (rollback.kind !== 'start' || rollback.promotion === this.#memory.rolledBack) return;
    await monitorActivities().startRollback({ policy, reason: rollback.reason });
    this.#remember({ rolledBack: rollback.promotion });
  }

  async #learn(request: Request, clock: FleetClock, { trigger, rollback }: ObserveFleetResult): Promise<void> {
    if (!request.triggers || rollback.kind !== 'none') return;
    const last = this.#memory.lastTrigger;
    const choice = chooseTrigger(
      {
        drift: trigger.drift ?? undefined,
        errorRate: trigger.errorRate ?? undefined,
        correctedFrames: trigger.correctedFrames,
        runningCycles: trigger.runningCycles ?? undefined,
        hoursSinceTrigger: last === null ? undefined : clock.fleetHours(nowMs() - last.atMs),
      },
      this.#status.limits,
    );
    if (choice.kind === 'wait') return;
    const { policy, cycle } = request;
    const { cause } = choice;
    const { workflowId } = await monitorActivities().triggerCycle({ policy, cause, request: cycle });
    this.#remember({ lastTrigger: { atMs: nowMs(), cause, workflowId } });
  }
}
