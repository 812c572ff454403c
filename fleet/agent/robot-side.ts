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

export function createRobotSide(ports: RobotSidePorts): RobotSide {
  const { recording, robotType } = ports;
  let isBusy = false;
  /** The agent ended the robot's episode: what the robot still records of it is left out until it begins anew. */
  let isSevered = false;
  let lostFrames = 0;
  let discardedFrames = 0;
  let episodeBounds = 0;

  async function end(outcome: Outcome, reason?: string, atUs?: number): Promise<boolean> {
    episodeBounds += 1;
    const isRecorded = await recording.end(outcome, reason, atUs);
    ports.onChange();
    return isRecorded;
  }

  /** What could not be written is counted; what should not have been asked for is the caller's to hear. */
  function write(what: () => void): FrameLoss | undefined {
    if (isSevered) {
      discardedFrames += 1;
      return 'episodeEnded';
    }
    try {
      what();
      return undefined;
    } catch (cause) {
      if (!(cause instanceof Error) || !('syscall' in cause)) throw cause;
      lostFrames += 1;
      if (isDiskFull(cause)) recording.noRoom();
      ports.log(`a frame was lost: ${cause.message}`);
      ports.onChange();
      return 'notWritten';
    }
  }

  return {
    isIdle: () => !recording.episodes.isOpen() && !isBusy,
    lostFrames: () => lostFrames,
    discardedFrames: () => discardedFrames,
    episodeBounds: () => episodeBounds,
    begin(options) {
      isSevered = false;
      episodeBounds += 1;
      const id = recording.episodes.begin(options);
      recording.images.begun();
      return id;
    },
    add(frame, expertAction) {
      const wasOpen = recording.episodes.isOpen();
      const loss = write(() => recording.episodes.frame(frame, expertAction));
      if (!wasOpen && recording.episodes.isOpen()) recording.images.begun();
      if (isSevered || recording.episodes.frames() < robotType.limits.maxEpisodeFrames) return loss;
      isSevered = true;
      end('aborted', 'tooLong').catch((cause: unknown) => ports.log(`an episode was not kept: ${String(cause)}`));
      return loss;
    },
    image(camera, bytes, atUs) {
      recording.images.add(camera, bytes, atUs);
    },
    intervene: () => write(() => recording.episodes.intervene()),
    end(outcome, reason, atUs) {
      isSevered = false;
      return end(outcome, reason, atUs);
    },
    setBusy(busy) {
      isBusy = busy;
      if (!busy) isSevered = false;
    },
    async stopSafely() {
      const giveUp = new AbortController();
      const timeIsUp = sleep(ports.safeStopTimeoutMs, 'late' as const, { signal: giveUp.signal });
      const isLate = timeIsUp.catch(() => 'late' as const);
      const answer = ports.onSafeStop?.().then(() => 'stopped' as const);
      const how = await Promise.race([isLate, ...(answer === undefined ? [] : [answer])]).catch(() => 'late' as const);
      giveUp.abort();
      isSevered = how === 'late' && recording.episodes.isOpen();
      isBusy = false;
      await end('aborted', 'rollback');
    },
  };
}
