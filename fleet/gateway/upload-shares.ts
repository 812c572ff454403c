import { WireError } from './wire-error.ts';

export interface Upload {
  /** Counts bytes that came, or throws `overloaded`. */
  add(sizeBytes: number): void;
  /** Gives everything back; call once. */
  end(): void;
}

/** Whose upload it is. */
export interface Uploader {
  readonly robotId: string;
  /** Where it comes from, as shares count addresses: many robots behind one router or proxy have one. */
  readonly address: string;
}

export interface UploadLimits {
  /** Of all robots together: bytes on this gateway's disk, and uploads that are open. */
  readonly maxBytes: number;
  readonly maxOpen: number;
  /** What one robot may hold and have open; an address is never left with less. */
  readonly maxRobotBytes: number;
  readonly maxRobotOpen: number;
  /** When one that is refused should ask again. */
  readonly retryAfterMs?: number;
}

/** What somebody holds. */
interface Held {
  bytes: number;
  open: number;
}

/** Beyond this part of what there is, an address holds at most its fair share. */
const scarceFraction = 0.5;

/**
 * What unfinished uploads hold on this gateway: of all robots, of each robot, and of each address. Only bytes that came count, so a
 * robot that declares much and sends little takes nothing from the others. Addresses are told apart only while there is little left:
 * then each gets at most an equal part of the whole, or what one robot may, so one full of robots gets all that nobody else asks for.
 */
export class UploadShares {
  readonly #limits: UploadLimits;
  readonly #ofRobots = new Map<string, Held>();
  readonly #ofAddresses = new Map<string, Held>();
  readonly #all: Held = { bytes: 0, open: 0 };

  constructor(limits: UploadLimits) {
    this.#limits = limits;
  }

  get heldBytes(): number {
    return this.#all.bytes;
  }

  get open(): number {
    return this.#all.open;
  }

  /** Begins an upload that says it will have so many bytes; `overloaded` when they would not fit beside what came already. */
  begin(uploader: Uploader, declaredBytes: number): Upload {
    this.#check(uploader, { bytes: declaredBytes, open: 1 });
    let cameBytes = 0;
    this.#count(uploader, { bytes: 0, open: 1 });
    return {
      add: (sizeBytes) => {
        this.#check(uploader, { bytes: sizeBytes, open: 0 });
        cameBytes += sizeBytes;
        this.#count(uploader, { bytes: sizeBytes, open: 0 });
      },
      end: () => this.#count(uploader, { bytes: -cameBytes, open: -1 }),
    };
  }

  #count({ robotId, address }: Uploader, more: Held): void {
    for (const held of [this.#all, heldBy(this.#ofRobots, robotId), heldBy(this.#ofAddresses, address)]) {
      held.bytes += more.bytes;
      held.open += more.open;
    }
    if (heldBy(this.#ofRobots, robotId).open === 0) this.#ofRobots.delete(robotId);
    if (heldBy(this.#ofAddresses, address).open === 0) this.#ofAddresses.delete(address);
  }

  #check({ robotId, address }: Uploader, more: Held): void {
    const { maxBytes, maxOpen, maxRobotBytes, maxRobotOpen, retryAfterMs = 2_000 } = this.#limits;
    const refusal = (whose: string): WireError => busy(whose, retryAfterMs);
    const robot = this.#ofRobots.get(robotId) ?? { bytes: 0, open: 0 };
    if (robot.bytes + more.bytes > maxRobotBytes || robot.open + more.open > maxRobotOpen)
      throw refusal('of this robot');
    const after = { bytes: this.#all.bytes + more.bytes, open: this.#all.open + more.open };
    if (after.bytes > maxBytes || after.open > maxOpen) throw refusal('of all robots');
    const own = this.#ofAddresses.get(address);
    // One that has nothing yet is counted in: its part is kept for it.
    const share = 1 / (this.#ofAddresses.size + (own === undefined ? 1 : 0));
    const isScarce = after.bytes > scarceFraction * maxBytes || after.open > scarceFraction * maxOpen;
    const bytes = (own?.bytes ?? 0) + more.bytes;
    const open = (own?.open ?? 0) + more.open;
    const isOverShare =
      bytes > Math.max(share * maxBytes, maxRobotBytes) || open > Math.max(share * maxOpen, maxRobotOpen);
    if (isScarce && isOverShare) throw refusal('of this address');
  }
}

function heldBy(all: Map<string, Held>, name: string): Held {
  const held = all.get(name) ?? { bytes: 0, open: 0 };
  all.set(name, held);
  return held;
}

const busy = (whose: string, retryAfterMs: number): WireError =>
  new WireError('overloaded', `the gateway holds as many unfinished uploads ${whose} as it may; try again later`, {
    retryAfterMs,
  });
