import type { RobotType } from '../../../datasets/robot-type.ts';
import type { MonotonicClock } from '../local/times.ts';

interface ChunkPorts {
  readonly robotType: Pick<RobotType, 'rateHz' | 'limits'>;
  readonly monotonic: MonotonicClock;
  /** Counts what ends a run: beginnings and ends of episodes, corrections, interventions, beginnings of a safe stop. */
  readonly runBounds?: () => number;
}

/** The situation in which a model was asked. */
export interface Asking {
  /** Number of the decision. */
  readonly decision: number;
  readonly askedMs: number;
  readonly bounds: number;
  readonly task: number;
}

interface Held extends Asking {
  readonly values: Float32Array;
  /** The step that comes next, and the decision for which it is. */
  readonly next: number;
  readonly due: number;
}

/**
 * The rest of what a model of `steps` actions answered last: the robot executes it, an action a decision, before the model is asked again. It is thrown away, never executed, where a run ends: at the
 * bounds of an episode, after a pause of more than the robot type's `maxFrameGapPeriods`, when a person or a safe stop takes over, for another task, after a decision that was refused, and when the robot has fallen behind
 * its rate by more than that gap since it asked. Without effect for a model of one action.
 */
export class ChunkInHand {
  readonly #ports: ChunkPorts;
  readonly #steps: number;
  #held: Held | undefined;
  #decision = 0;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(ports: ChunkPorts, steps: number) {
    this.#ports = ports;
    this.#steps = steps;
  }

  /** A decision begins, whatever becomes of it. */
  begin(): void {
    this.#decision += 1;
  }

  /** The action that comes next; undefined where the model must be asked. */
  next(task: number): Float32Array | undefined {
    const { robotType, monotonic } = this.#ports;
    const held = this.#held;
    this.#held = undefined;
    if (held?.due !== this.#decision) return undefined;
    const nowMs = monotonic();
    const periodMs = 1000 / robotType.rateHz;
    const gapMs = robotType.limits.maxFrameGapPeriods * periodMs;
    const isSameRun = held.task === task && held.bounds === this.#bounds() && nowMs - this.#lastMs <= gapMs;
    if (!isSameRun || nowMs - held.askedMs > held.next * periodMs + gapMs) return undefined;
    this.#lastMs = nowMs;
    const size = held.values.length / this.#steps;
    if (held.next + 1 < this.#steps) this.#held = { ...held, next: held.next + 1, due: held.due + 1 };
    return held.values.slice(held.next * size, (held.next + 1) * size);
  }

  /** What is kept of the answer to a model that is asked now holds for the situation as it is now. */
  asking(task: number): Asking {
    this.#lastMs = this.#ports.monotonic();
    return { decision: this.#decision, askedMs: this.#lastMs, bounds: this.#bounds(), task };
  }

  /** The action to execute now; the others are kept. Throws for a chunk of which any action is not finite: none of it is executed. */
  keep(asking: Asking, values: Float32Array): Float32Array {
    if (this.#steps === 1) return values;
    const size = values.length / this.#steps;
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0)
      throw new Error(
        `expected ${this.#steps} actions of finite numbers, got ${values[wrong]} in action ${Math.floor(wrong / size) + 1}`,
      );
    // An answer that was overtaken by a later one is of an earlier frame.
    if (asking.decision === this.#decision) this.#held = { ...asking, values, next: 1, due: asking.decision + 1 };
    return values.slice(0, size);
  }

  #bounds(): number {
    return this.#ports.runBounds?.() ?? 0;
  }
}
