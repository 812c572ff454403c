import { setTimeout as sleep } from 'node:timers/promises';

import type { Outcome } from '../../datasets/columns.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { Frame } from './recording/episode-recorder.ts';
import { isDiskFull } from './images/clip-work.ts';
import type { Recording } from './recording/recording.ts';

export interface RobotSidePorts {
  readonly recording: Recording;
  readonly robotType: RobotType;
  readonly safeStopTimeoutMs: number;
  readonly onSafeStop: (() => Promise<void>) | undefined;
  /** Something was recorded, or there is no room. */
  readonly onChange: () => void;
  readonly log: (line: string) => void;
}

/**
 * Why a frame was not kept: the agent had ended its episode (too long, or a safe stop that the robot did not answer in time), or the disk
 * did not take it.
 */
export type FrameLoss = 'episodeEnded' | 'notWritten';

/** What the robot's program does and is asked to do. */
export interface RobotSide {
  readonly isIdle: () => boolean;
  readonly lostFrames: () => number;
  /** Frames and interventions that the agent did not keep because it had ended their episode. */
  readonly discardedFrames: () => number;
  /** Counts beginnings and ends of episodes: what was before the last of them is of another one. */
  readonly episodeBounds: () => number;
  /** Counts these, corrections, interventions and beginnings of a safe stop: whatever a policy planned before the last of them is not executed. */
  readonly runBounds: () => number;
  begin(options: { readonly task?: string }): string;
  add(frame: Frame, expertAction?: ArrayLike<number>): FrameLoss | undefined;
  /** An image of one of the robot's cameras; it is the open episode's, or that of an episode which begins right after it. */
  image(camera: string, bytes: Uint8Array, atUs?: number): void;
  intervene(): FrameLoss | undefined;
  end(outcome: Outcome, reason?: string, atUs?: number): Promise<boolean>;
  setBusy(isBusy: boolean): void;
  /** Asks for a safe stop and ends the open episode as aborted, reason `rollback`; resolves in bounded time. */
  stopSafely(): Promise<void>;
}

export const createRobotSide = (ports: RobotSidePorts): RobotSide => new ProgramSide(ports);

class ProgramSide implements RobotSide {
  readonly #ports: RobotSidePorts;
  #isBusy = false;
  /** The agent ended the robot's episode: what the robot still records of it is left out until it begins anew. */
  #isSevered = false;
  #lostFrames = 0;
  #discardedFrames = 0;
  #episodeBounds = 0;
  /** Somebody else than the policy took over, within an episode. */
  #takeovers = 0;

  constructor(ports: RobotSidePorts) {
    this.#ports = ports;
  }

  readonly isIdle = (): boolean => !this.#ports.recording.episodes.isOpen() && !this.#isBusy;
  readonly lostFrames = (): number => this.#lostFrames;
  readonly discardedFrames = (): number => this.#discardedFrames;
  readonly episodeBounds = (): number => this.#episodeBounds;
  readonly runBounds = (): number => this.#episodeBounds + this.#takeovers;

  begin(options: { readonly task?: string }): string {
    const { episodes, images } = this.#ports.recording;
    this.#isSevered = false;
    this.#episodeBounds += 1;
    const id = episodes.begin(options);
    images.begun();
    return id;
  }

  add(frame: Frame, expertAction?: ArrayLike<number>): FrameLoss | undefined {
    const { recording, robotType, log } = this.#ports;
    if (expertAction !== undefined) this.#takeovers += 1;
    const wasOpen = recording.episodes.isOpen();
    const loss = this.#write(() => recording.episodes.frame(frame, expertAction));
    if (!wasOpen && recording.episodes.isOpen()) recording.images.begun();
    if (this.#isSevered || recording.episodes.frames() < robotType.limits.maxEpisodeFrames) return loss;
    this.#isSevered = true;
    this.#end('aborted', 'tooLong').catch((cause: unknown) => log(`an episode was not kept: ${String(cause)}`));
    return loss;
  }

  image(camera: string, bytes: Uint8Array, atUs?: number): void {
    this.#ports.recording.images.add(camera, bytes, atUs);
  }

  intervene(): FrameLoss | undefined {
    this.#takeovers += 1;
    return this.#write(() => this.#ports.recording.episodes.intervene());
  }

  end(outcome: Outcome, reason?: string, atUs?: number): Promise<boolean> {
    this.#isSevered = false;
    return this.#end(outcome, reason, atUs);
  }

  setBusy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    if (!isBusy) this.#isSevered = false;
  }

  async stopSafely(): Promise<void> {
    const { safeStopTimeoutMs, onSafeStop, recording } = this.#ports;
    this.#takeovers += 1;
    const giveUp = new AbortController();
    const timeIsUp = sleep(safeStopTimeoutMs, 'late' as const, { signal: giveUp.signal });
    const isLate = timeIsUp.catch(() => 'late' as const);
    const answer = onSafeStop?.().then(() => 'stopped' as const);
    const how = await Promise.race([isLate, ...(answer === undefined ? [] : [answer])]).catch(() => 'late' as const);
    giveUp.abort();
    this.#isSevered = how === 'late' && recording.episodes.isOpen();
    this.#isBusy = false;
    await this.#end('aborted', 'rollback');
  }

  async #end(outcome: Outcome, reason?: string, atUs?: number): Promise<boolean> {
    this.#episodeBounds += 1;
    const isRecorded = await this.#ports.recording.end(outcome, reason, atUs);
    this.#ports.onChange();
    return isRecorded;
  }

  /** What could not be written is counted; what should not have been asked for is the caller's to hear. */
  #write(what: () => void): FrameLoss | undefined {
    if (this.#isSevered) {
      this.#discardedFrames += 1;
      return 'episodeEnded';
    }
    try {
      what();
      return undefined;
    } catch (cause) {
      if (!(cause instanceof Error) || !('syscall' in cause)) throw cause;
      const { recording, log, onChange } = this.#ports;
      this.#lostFrames += 1;
      if (isDiskFull(cause)) recording.noRoom();
      log(`a frame was lost: ${cause.message}`);
      onChange();
      return 'notWritten';
    }
  }
}
