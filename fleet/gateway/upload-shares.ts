import { WireError } from './wire-error.ts';

export interface Upload {
  /** Counts bytes that came, or throws `overloaded`. */
  add(sizeBytes: number): void;
  /** Gives everything back; call once. */
  end(): void;
}

/**
 * What unfinished uploads hold on this gateway's disk: of all robots, and of each. Only bytes that came count, so a robot that
 * declares much and sends little takes nothing from the others.
 */
export class UploadShares {
  readonly #maxBytes: number;
  readonly #maxRobotBytes: number;
  readonly #ofRobots = new Map<string, number>();
  #heldBytes = 0;

  constructor({ maxBytes, maxRobotBytes }: { readonly maxBytes: number; readonly maxRobotBytes: number }) {
    this.#maxBytes = maxBytes;
    this.#maxRobotBytes = maxRobotBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Begins an upload that says it will have so many bytes; `overloaded` when they would not fit beside what came already. */
  begin(robotId: string, declaredBytes: number): Upload {
    this.#check(robotId, declaredBytes);
    let cameBytes = 0;
    const count = (sizeBytes: number): void => {
      cameBytes += sizeBytes;
      this.#heldBytes += sizeBytes;
      const ofRobot = (this.#ofRobots.get(robotId) ?? 0) + sizeBytes;
      if (ofRobot > 0) this.#ofRobots.set(robotId, ofRobot);
      else this.#ofRobots.delete(robotId);
    };
    return {
      add: (sizeBytes) => {
        this.#check(robotId, sizeBytes);
        count(sizeBytes);
      },
      end: () => count(-cameBytes),
    };
  }

  #check(robotId: string, moreBytes: number): void {
    const isRobots = (this.#ofRobots.get(robotId) ?? 0) + moreBytes > this.#maxRobotBytes;
    if (!isRobots && this.#heldBytes + moreBytes <= this.#maxBytes) return;
    const whose = isRobots ? 'of this robot' : 'of all robots';
    throw new WireError(
      'overloaded',
      `the gateway holds as many unfinished uploads ${whose} as it may; try again later`,
      {
        retryAfterMs: 2_000,
      },
    );
  }
}
