import { takeSeq, type SeqRuns } from './seq-runs.ts';

/** Lives remembered of one robot; the one heard of longest ago goes first. */
export const mostLives = 64;

/** What was taken of one life of a robot's agent. */
export interface RobotLife {
  readonly runs: SeqRuns;
  /** When it last spoke, real time; 0: not kept. */
  heardMs: number;
}

/** Which entries of which life of which robot were taken already; bounded for every robot, whatever it makes up. */
export class RobotLives {
  readonly #lives = new Map<string, Map<string, RobotLife>>();

  /** `kept`: lives by `robot/boot`, those heard of longest ago first. */
  constructor(kept: Iterable<readonly [string, RobotLife]> = []) {
    for (const [name, life] of kept) {
      const cut = name.indexOf('/');
      this.#keep(name.slice(0, cut), name.slice(cut + 1), life);
    }
  }

  /** True when the entry is new; it is taken from now on. Logarithmic. */
  take(robotId: string, bootId: string, seq: number): boolean {
    return takeSeq(this.#lives.get(robotId)?.get(bootId)?.runs ?? this.hear(robotId, bootId, 0).runs, seq);
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
    for (const oldest of boots.keys()) {
      boots.delete(oldest);
      break;
    }
  }
}
