import { takeSeq, type SeqRuns } from './seq-runs.ts';

/** Lives remembered of one robot; the one heard of longest ago goes first. */
export const mostLives = 64;

/** What was taken of one life of a robot's agent. */
export interface RobotLife {
  readonly runs: SeqRuns;
  /** When it last spoke, real time; 0: not kept. */
  heardMs: number;
  /** First and last moment it told of, by the gateway's clock; left out: not kept. */
  fromMs?: number;
  untilMs?: number;
}

/** Two lives of one robot at the same time: two machines with one identity. */
export interface LifeOverlap {
  readonly robotId: string;
  readonly boots: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Which entries of which life of which robot were taken already; bounded for every robot, whatever it makes up. */
export class RobotLives {
  readonly #lives = new Map<string, Map<string, RobotLife>>();

  readonly #onForgotten: (robotId: string, life: RobotLife) => void;

  /** `kept`: lives by `robot/boot`, those heard of longest ago first. `onForgotten` is told of one that goes for a newer one. */
  constructor(
    kept: Iterable<readonly [string, RobotLife]> = [],
    onForgotten: (robotId: string, life: RobotLife) => void = () => undefined,
  ) {
    this.#onForgotten = onForgotten;
    for (const [name, life] of kept) {
      const cut = name.indexOf('/');
      this.#keep(name.slice(0, cut), name.slice(cut + 1), life);
    }
  }

  /** True when the entry is new; it is taken from now on. Logarithmic. */
  take(robotId: string, bootId: string, seq: number): boolean {
    return takeSeq(this.#lives.get(robotId)?.get(bootId)?.runs ?? this.hear(robotId, bootId, 0).runs, seq);
  }

  /** Whether anything of this life is remembered. */
  knows(robotId: string, bootId: string): boolean {
    return this.#lives.get(robotId)?.has(bootId) === true;
  }

  /** Notes that a life spoke; it is the robot's newest now. */
  hear(robotId: string, bootId: string, atMs: number): RobotLife {
    const boots = this.#lives.get(robotId);
    const life = boots?.get(bootId) ?? { runs: [], heardMs: atMs };
    life.heardMs = Math.max(life.heardMs, atMs);
    boots?.delete(bootId);
    this.#keep(robotId, bootId, life);
    return life;
  }

  /** Notes moments a life told of; gives the overlap with another life of the robot if both lasted `leastMs` at once. */
  tell(
    robotId: string,
    bootId: string,
    moments: { readonly fromMs: number; readonly untilMs: number },
    leastMs: number,
  ): LifeOverlap | undefined {
    const life = this.#lives.get(robotId)?.get(bootId);
    if (life === undefined) return undefined;
    life.fromMs = Math.min(moments.fromMs, life.fromMs ?? moments.fromMs);
    life.untilMs = Math.max(moments.untilMs, life.untilMs ?? moments.untilMs);
    for (const [other, { fromMs, untilMs }] of this.#lives.get(robotId) ?? []) {
      if (other === bootId || fromMs === undefined || untilMs === undefined) continue;
      const [start, end] = [Math.max(fromMs, life.fromMs), Math.min(untilMs, life.untilMs)];
      if (end - start >= leastMs) return { robotId, boots: [other, bootId].toSorted(), fromMs: start, untilMs: end };
    }
    return undefined;
  }

  /** Every life by `robot/boot`, as the constructor takes them. */
  *entries(): Generator<readonly [string, RobotLife]> {
    for (const [robotId, boots] of this.#lives)
      for (const [bootId, life] of boots) yield [`${robotId}/${bootId}`, life] as const;
  }

  #keep(robotId: string, bootId: string, life: RobotLife): void {
    const boots = this.#lives.get(robotId) ?? new Map<string, RobotLife>();
    this.#lives.set(robotId, boots);
    boots.set(bootId, life);
    if (boots.size <= mostLives) return;
    for (const [oldest, forgotten] of boots) {
      boots.delete(oldest);
      this.#onForgotten(robotId, forgotten);
      break;
    }
  }
}
