import type { ObjectStore } from '../../store/object-store.ts';
import { followRobotChanges } from '../desk/robot-changes.ts';
import type { RobotDirectory } from './robot-directory.ts';

/** Hears of robots whose record changed, and has those who wait for such a robot ask again whether they may. */
export class RobotChanges {
  readonly #follow: () => Promise<readonly string[]>;
  readonly #robots: RobotDirectory;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(store: ObjectStore, robots: RobotDirectory) {
    this.#follow = followRobotChanges(store);
    this.#robots = robots;
  }

  async look(): Promise<void> {
    for (const robotId of await this.#follow()) {
      this.#robots.recheck(robotId);
      for (const tell of this.#waiting.get(robotId) ?? []) tell();
    }
  }

  /** Calls `tell` when the robot's record changed, until the returned function is called. */
  listen(robotId: string, tell: () => void): () => void {
    const ofRobot = this.#waiting.get(robotId) ?? new Set();
    this.#waiting.set(robotId, ofRobot);
    ofRobot.add(tell);
    return () => {
      ofRobot.delete(tell);
      if (ofRobot.size === 0 && this.#waiting.get(robotId) === ofRobot) this.#waiting.delete(robotId);
    };
  }
}
