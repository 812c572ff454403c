import type { Outcome } from '../../datasets/columns.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { ClipMaker } from './images/clip-maker.ts';
import type { Frame } from './recording/episode-recorder.ts';
import type { Fetch } from './gateway-client.ts';
import type { AtPoint } from './local/kill-points.ts';
import type { AgentLimits } from './limits.ts';
import type { PolicyRuntime } from './versions/policy-runtime.ts';
import type { SyncDescriptor } from './recording/append-only-file.ts';
import type { FrameLoss } from './robot-side.ts';
import type { ActivePolicy } from './versions/keeper-state.ts';
import type { MonotonicClock, WallClock } from './local/times.ts';

export interface AgentOptions {
  readonly robotId: string;
  readonly gatewayUrl: string;
  readonly token: string;
  /** Folder of this robot alone; made when missing. */
  readonly directory: string;
  readonly robotType: RobotType;
  /** The fleet's root document (JSON), as `flywheel keys show --root` prints it: who may sign models and orders. */
  readonly root?: string | undefined;
  /**
   * In place of it, PEM of one root key, or of the one key of an older installation: until the fleet shows a root that this key
   * signed, unsigned orders are obeyed.
   */
  readonly publicKeyPem?: string | undefined;
  readonly clock: WallClock;
  /** The machine's clock since its boot, not the process's: what is written down is compared with it by the next process. */
  readonly monotonic: MonotonicClock;
  /** Changes with every boot of the machine, when `monotonic` starts anew; Linux's own unless given. */
  readonly machineBootId?: string;
  readonly runtime: PolicyRuntime;
  readonly fetch?: Fetch;
  /** In [0, 1); spreads what a fleet would do at once. */
  readonly random?: () => number;
  /** The robot comes to a safe stop and resolves. Later than `safeStopTimeoutMs` it is switched all the same. */
  readonly onSafeStop?: () => Promise<void>;
  readonly log?: (line: string) => void;
  readonly limits?: Partial<AgentLimits>;
  /** Makes clips of images; `childClipMaker` on a robot. Without one no image is recorded, and each is counted. */
  readonly clipMaker?: ClipMaker | undefined;
  /** Puts the spool on the disk; a simulated robot whose power is never cut may do nothing. */
  readonly sync?: SyncDescriptor;
  /** For tests of sudden death. */
  readonly at?: AtPoint;
}

export interface AgentStatus {
  readonly isConnected: boolean;
  readonly installedVersion: string | undefined;
  readonly trialId: string | null;
  readonly waitingBytes: number;
  readonly waitingSegments: number;
  readonly waitingTelemetry: number;
  readonly waitingReports: number;
  readonly droppedEpisodes: number;
  /** Telemetry and reports that no gateway takes; kept in `set-aside.ndjson`. */
  readonly setAside: number;
  /** How often in this life the robot was asked for a task that its model does not know. */
  readonly refusedTasks: number;
  /** Frames in this life that came after the agent had ended their episode. */
  readonly discardedFrames: number;
  /** Frames the disk did not take. */
  readonly lostFrames: number;
  /** Bytes of images that wait on the disk. */
  readonly waitingImageBytes: number;
  /** Clips that wait for their upload, and logs of images that will be clips. */
  readonly waitingClips: number;
  /** Images that are lost since the disk was new, by reason. */
  readonly imagesDropped: Readonly<Record<string, number>>;
  /** Robot clock minus gateway clock; undefined before the first contact. */
  readonly skewMs: number | undefined;
  readonly contactlessMs: number;
  /** How long nothing fresh was signed; 0 where orders are not signed. */
  readonly unfreshMs: number;
  /** Whether only signed orders are obeyed. */
  readonly obeysSignedOnly: boolean;
}

/** The robot's side of the fleet. Calls that record are synchronous and cheap; nothing in them waits for the network. */
export interface Agent {
  /**
   * Opens an episode and returns its id; `record` does it too, with the robot type's first task. Its frames say when it started. A task is
   * one of the robot type, of what the gateway told, or of what the model knows; an episode of one that the model does not know counts to no version.
   */
  beginEpisode(options?: { readonly task?: string }): string;
  /** Whether episodes of a task may be recorded; acting on it is another question, see `policy().knows`. */
  mayRecord(task: string): boolean;
  /**
   * Adds a frame; survives the death of this process when it returns, unless it says why not: then it is counted in `status()`. Throws on
   * what the robot type does not know.
   */
  record(frame: Frame): FrameLoss | undefined;
  /** Adds a frame in which the expert would have acted otherwise. */
  correct(frame: Frame, expertAction: ArrayLike<number>): FrameLoss | undefined;
  /**
   * Adds an image of a camera of the robot type: JPEG, PNG, or raw pixels (RGB, or grey for a grey camera), of the camera's size. Survives the death of
   * this process when it returns; the bytes may be used again then. `atUs` as in `record`. Without an open episode a camera's last image waits: it is part
   * of an episode that begins within two periods of the camera. Throws a TypeError for an unknown camera and for what is no such image. An image over a
   * limit, or that the disk does not take, is left out and counted in `status().imagesDropped`; nothing else suffers.
   */
  recordImage(camera: string, bytes: Uint8Array, atUs?: number): void;
  /** A person or a safety system took over in this episode. */
  intervene(): FrameLoss | undefined;
  /** Something that must never happen did, `unspecified` without a name; resolves when it is kept for good. */
  safetyEvent(kind: string): Promise<void>;
  /**
   * Resolves when the episode survives a power cut; false when there was none with frames. An `aborted` or failed one has a
   * reason. A switch that waited for the robot is done before it resolves.
   */
  endEpisode(outcome: Outcome, options?: { readonly reason?: string; readonly atUs?: number }): Promise<boolean>;
  /** What the robot should act by now; undefined while there is nothing that can be trusted. */
  policy(): ActivePolicy | undefined;
  /** The robot may be switched (default between episodes). */
  idle(): void;
  /** The robot must not be switched, though no episode is open. */
  busy(): void;
  status(): AgentStatus;
  /** Turns what is recorded into clips and segments now. */
  settle(): Promise<void>;
  /** Orderly end: everything recorded is kept, nothing counts as a crash. An open episode ends as aborted. */
  close(): Promise<void>;
  /** What sudden death leaves, for simulated robots: nothing is finished, nothing is marked. */
  crash(): Promise<void>;
}
