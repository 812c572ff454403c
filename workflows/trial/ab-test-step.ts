import { setCurrentDetails } from '@temporalio/workflow';

import type { JudgeLookResult } from '../../activities/trials/judge-look.ts';
import type { JudgeTickResult } from '../../activities/trials/judge-tick.ts';
import { abIntentOf } from '../../domain/ab-test/intent.ts';
import { abTransition, type AbEvent, type AbProgress } from '../../domain/ab-test/progress.ts';
import type { Step, StepEvent, StepView } from './guarded-loop.ts';
import type { AbTestResult, AbTestStatus, ReturnedRobots } from './messages.ts';
import { progressTeller } from './plan-step.ts';
import { fleetNow, look, type TrialMemory } from './run.ts';
import { describeAbTest } from './status-page.ts';

/** What a run hands to the next one when its history has grown long; ≤ 8 KiB. */
export interface CarriedAbTest {
  readonly run: TrialMemory;
  readonly progress: AbProgress;
}

const hourMs = 3_600_000;

/** An A/B test as the loop drives it: its progress, and the looks at it. */
export class AbTestStep implements Step {
  readonly #run: TrialMemory;
  readonly #goOn: (carried: CarriedAbTest) => Promise<never>;
  readonly #tell = progressTeller();
  #progress: AbProgress;
  #lastTick: JudgeTickResult | undefined;
  #lastLook: JudgeLookResult | undefined;

  constructor({ run, progress }: CarriedAbTest, goOn: (carried: CarriedAbTest) => Promise<never>) {
    this.#run = run;
    this.#progress = progress;
    this.#goOn = goOn;
  }

  get status(): AbTestStatus {
    return {
      progress: this.#progress,
      trialId: this.#run.plan.plan.trialId,
      ...(this.#lastTick === undefined ? {} : { tick: this.#lastTick }),
      ...(this.#lastLook === undefined ? {} : { look: this.#lastLook }),
    };
  }

  view(): StepView {
    const hoursTotal = this.#hoursTotal();
    return {
      intent: abIntentOf(this.#progress, this.#run.plan.stages[0]?.robots ?? 1),
      faultyRobots: this.#progress.faultyRobots,
      guardClock: { stage: 0, hoursInStage: hoursTotal, hoursTotal },
    };
  }

  apply(event: StepEvent): void {
    if (event.kind === 'ticked') this.#lastTick = event.result;
    const happened = abEventOf(event);
    if (happened !== undefined) this.#become(happened);
  }

  /** A look that is due is taken once; of several that were missed the latest. */
  async afterTick(): Promise<void> {
    const run = this.#run;
    const { abTest: test } = run.plan;
    const { kind, watchedMs, looksDone, faultyRobots } = this.#progress;
    if (test === null || kind !== 'watching') return;
    const due = Math.min(test.looks, Math.floor(watchedMs / hourMs / test.lookHours + 1e-9));
    if (due < test.firstLook || due <= looksDone) return;
    const judged = await look(run, { look: due, hoursTotal: this.#hoursTotal() }, faultyRobots);
    if (judged.kind === 'unjudged') return;
    this.#lastLook = judged.result;
    const { decision, reason } = judged.result;
    this.#become({ kind: 'looked', atMs: fleetNow(run), look: due, decision, reason });
  }

  async afterExposure(): Promise<void> {}

  show(): void {
    setCurrentDetails(describeAbTest(this.#run.plan, this.#progress, this.#lastTick, this.#lastLook));
  }

  continueAsNew(): Promise<never> {
    return this.#goOn({ run: this.#run, progress: this.#progress });
  }

  result(robots: ReturnedRobots): AbTestResult {
    const { end, reason, faultyRobots } = this.#progress;
    const { candidateVersion, plan } = this.#run.plan;
    const anchorLossFraction = this.#lastLook?.anchorLossFraction ?? null;
    const { trialId } = plan;
    return { decision: end ?? 'aborted', reason, trialId, candidateVersion, anchorLossFraction, faultyRobots, robots };
  }

  #become(event: AbEvent): void {
    this.#progress = abTransition(this.#progress, event);
    this.#tell(this.#progress);
  }

  #hoursTotal(): number {
    const now = fleetNow(this.#run);
    return (now - (this.#progress.startedAtMs ?? now)) / hourMs;
  }
}

/** What it means to an A/B test; undefined for a message that means nothing to one. */
function abEventOf(event: StepEvent): AbEvent | undefined {
  const { atMs } = event;
  switch (event.kind) {
    case 'heard': {
      const { kind, ...message } = event.message;
      return kind === 'approved' || kind === 'rejected' ? undefined : { ...message, kind, atMs };
    }
    case 'ticked': {
      const { suspectRobotId, verdict, reason, stopsClock = false } = event.result;
      return { kind: 'ticked', atMs, verdict, reason, stopsClock, ...(suspectRobotId && { suspectRobotId }) };
    }
    case 'exposed':
    case 'exposureRefused':
    case 'leaseLapsed':
    case 'returned':
      return event;
    default:
      return event satisfies never;
  }
}
