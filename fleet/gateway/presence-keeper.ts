import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { writePresence, type SeenRobot } from '../desk/presence.ts';
import type { RobotRecord } from '../desk/robots.ts';

export interface PresenceKeeperOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly gatewayId: string;
  readonly everyMs: number;
  /** After a robot came to hold a newer order, the next presence follows this soon: somebody may wait for it. */
  readonly soonMs: number;
  /** Policies to write a presence for, even without robots. */
  readonly policies: () => readonly string[];
  readonly onError: (error: unknown) => void;
}

/** A gap in the series beyond this many periods starts a new one. */
const gapPeriods = 2.5;
const forgetAfterMs = 24 * 3_600_000;

/** What this gateway sees of its robots, written every few seconds; lost with the process, by design. */
export class PresenceKeeper {
  readonly #options: PresenceKeeperOptions;
  readonly #robots = new Map<string, Map<string, SeenRobot>>();
  #sinceMs: number;
  #writtenMs: number;
  #dueMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: PresenceKeeperOptions) {
    this.#options = options;
    this.#sinceMs = options.clock();
    this.#writtenMs = this.#sinceMs;
  }

  /** Robots seen within the last `withinMs`. */
  online(withinMs: number): number {
    const earliestMs = this.#options.clock() - withinMs;
    return [...this.#robots.values()].reduce(
      (sum, robots) => sum + [...robots.values()].filter(({ lastSeenMs }) => lastSeenMs >= earliestMs).length,
      0,
    );
  }

  /** Notes a request of the robot, and what it said of itself. */
  see(robot: RobotRecord, said: Partial<Omit<SeenRobot, 'robotId' | 'lastSeenMs' | 'saidMs'>> = {}): void {
    const nowMs = this.#options.clock();
    const robots = this.#robots.get(robot.policy) ?? new Map<string, SeenRobot>();
    this.#robots.set(robot.policy, robots);
    const before = robots.get(robot.robotId) ?? unseen(robot.robotId);
    const saidMs = said.installedVersion === undefined ? before.saidMs : nowMs;
    const deliveredSeq = said.deliveredSeq ?? before.deliveredSeq;
    robots.set(robot.robotId, { ...before, ...said, deliveredSeq, saidMs, lastSeenMs: nowMs });
    if (deliveredSeq !== null && deliveredSeq > (before.deliveredSeq ?? Number.NEGATIVE_INFINITY))
      this.#schedule(this.#options.soonMs);
  }

  start(): void {
    this.#schedule(0);
  }

  /** Writes a last time, so that what was seen outlives the process. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#write().catch(this.#options.onError);
  }

  #schedule(inMs: number): void {
    const dueMs = performance.now() + inMs;
    if (this.#isStopped || (this.#timer !== undefined && this.#dueMs <= dueMs)) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#write()
        .catch(this.#options.onError)
        .finally(() => this.#schedule(this.#options.everyMs));
    }, inMs);
  }

  async #write(): Promise<void> {
    await this.#writing;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    const { clock, store, gatewayId, policies, everyMs } = this.#options;
    const atMs = clock();
    if (Math.abs(atMs - this.#writtenMs) > gapPeriods * everyMs) this.#sinceMs = atMs;
    for (const policy of policies()) {
      const robots = this.#robots.get(policy) ?? new Map<string, SeenRobot>();
      for (const [robotId, { lastSeenMs }] of robots) if (atMs - lastSeenMs > forgetAfterMs) robots.delete(robotId);
      await writePresence(store, policy, { gatewayId, sinceMs: this.#sinceMs, atMs, robots: [...robots.values()] });
    }
    this.#writtenMs = atMs;
  }
}

const unseen = (robotId: string): SeenRobot => ({
  robotId,
  lastSeenMs: 0,
  saidMs: null,
  installedVersion: null,
  assignmentSeq: null,
  deliveredSeq: null,
  isBusy: null,
  droppedEpisodes: null,
});
