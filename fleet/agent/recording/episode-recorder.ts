import { outcomes, type Outcome } from '../../../datasets/columns.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { wireLimits } from '../../protocol/index.ts';
import type { Stamp } from '../local/dating.ts';
import type { AtPoint } from '../local/kill-points.ts';
import type { NewEntry } from './kept-entries.ts';
import { latencyOf, numbersOf, sizeOfAction } from './checked-frame.ts';
import { durationMs, latencies, latencyPartsOf } from './segment-rows.ts';
import type { KeptEntry, RecordOf, SpoolRecord } from './spool-record.ts';
import type { SpooledEpisode } from './spooled-episodes.ts';
import type { MonotonicClock, WallClock } from '../local/times.ts';

/** What a robot saw and did at one moment. */
export interface Frame {
  /** One finite number for each observation of the robot type, in its order and units. */
  readonly observation: ArrayLike<number>;
  /** The command: one index if actions are discrete, else one number for each range. */
  readonly action: ArrayLike<number>;
  /** How long the policy took; left out when none was asked. */
  readonly latencyMs?: number;
  /** How much of it went into decoding and scaling images, as `decide` told; left out where nothing was decoded. */
  readonly decodingMs?: number;
  /** When it was, µs by the robot's clock; now unless given. Later than the frame before. */
  readonly atUs?: number;
}

/** What acts while an episode is recorded. */
export interface ActingVersion {
  /** Whether it may act on a task. */
  readonly knows: (task: string) => boolean;
  readonly version: string;
  readonly trialId: string | null;
}

export interface EpisodeRecorderPorts {
  readonly robotType: RobotType;
  /** Tasks beside the robot type's that may be recorded. */
  readonly isTold: (task: string) => boolean;
  readonly wall: WallClock;
  readonly monotonic: MonotonicClock;
  readonly newId: () => string;
  readonly skewMs: () => number | undefined;
  readonly machineBootId: string;
  readonly acting: () => ActingVersion | undefined;
  /** Whose version the robot speaks of; undefined before the first order. */
  readonly policy: () => string | undefined;
  readonly append: (record: SpoolRecord) => void;
  readonly newEntry: NewEntry;
  readonly at: AtPoint;
}

export interface EpisodeRecorder {
  readonly isOpen: () => boolean;
  /** Frames of the open episode; 0 when there is none. */
  readonly frames: () => number;
  /** The open episode, and an instant by its clock as frames have it; undefined when there is none. */
  readonly instant: (atUs: number | undefined) => { readonly episodeId: string; readonly atUs: number } | undefined;
  /** Whether a task is the robot type's, was told, or is known to what acts. */
  readonly isTask: (task: string) => boolean;
  begin(options: { readonly task?: string }): string;
  frame(frame: Frame, expertAction?: ArrayLike<number>): void;
  intervene(): void;
  /** Ends the open episode and returns what the gateway will hear of it; nothing without an episode that has frames. */
  end(outcome: Outcome, reason: string | undefined, atUs?: number): KeptEntry | undefined;
}

/** In the year 2255: beyond it microseconds are no whole numbers any more. */
const latestUs = Number.MAX_SAFE_INTEGER;

/** Larger steps of the clock are jumps; smaller ones, as of a clock that is slewed, are left to the frames. */
const clockJumpUs = 1_000_000;

interface OpenEpisode {
  readonly begin: Omit<RecordOf<'begin'>, 'startedAtUs'> & { readonly stamp: Stamp };
  /** Known with the first frame. */
  startedAtUs: number | undefined;
  /** Robot clock minus monotonic clock, µs: at the start, by which all is written, so that a jump does not tear an episode… */
  readonly offsetUs: number;
  /** …and as the robot's program has it, which dates its frames itself. */
  programOffsetUs: number;
  lastUs: number;
  frames: number;
  correctedFrames: number;
  isIntervened: boolean;
  latenciesMs: RecordOf<'frame'>[];
}

/** Writes episodes, record by record. A frame that is not what the robot type says throws, and is not written. */
export const createEpisodeRecorder = (ports: EpisodeRecorderPorts): EpisodeRecorder => new SpoolingRecorder(ports);

class SpoolingRecorder implements EpisodeRecorder {
  readonly #ports: EpisodeRecorderPorts;
  readonly #body: RecordOf<'begin'>['robotType'];
  #open: OpenEpisode | undefined;

  constructor(ports: EpisodeRecorderPorts) {
    this.#ports = ports;
    const { id, version } = ports.robotType;
    this.#body = { id, version, digest: robotTypeDigest(ports.robotType) };
  }

  readonly isOpen = (): boolean => this.#open !== undefined;

  readonly frames = (): number => this.#open?.frames ?? 0;

  readonly instant = (atUs: number | undefined): { readonly episodeId: string; readonly atUs: number } | undefined => {
    const episode = this.#open;
    if (episode === undefined) return undefined;
    return { episodeId: episode.begin.episodeId, atUs: this.#instantOf(episode, atUs) };
  };

  readonly isTask = (task: string): boolean => {
    const { robotType, isTold, acting } = this.#ports;
    return robotType.tasks.includes(task) || isTold(task) || acting()?.knows(task) === true;
  };

  begin(options: { readonly task?: string } = {}): string {
    return this.#begin(options).begin.episodeId;
  }

  frame(frame: Frame, expertAction?: ArrayLike<number>): void {
    const { robotType, append, at } = this.#ports;
    const observation = numbersOf('observation', frame.observation, robotType.observations.length);
    const actionSize = sizeOfAction(robotType);
    const action = numbersOf('action', frame.action, actionSize);
    const expert = expertAction === undefined ? null : numbersOf('expert action', expertAction, actionSize);
    const episode = this.#opened();
    const atUs = Math.max(episode.lastUs + 1, this.#instantOf(episode, frame.atUs));
    if (episode.startedAtUs === undefined) this.#writeBegin(episode, atUs);
    const latencyMs = latencyOf(frame.latencyMs);
    const decodingMs = latencyOf(frame.decodingMs);
    const record: RecordOf<'frame'> = {
      ...({ kind: 'frame', atUs, observation, action, expertAction: expert, latencyMs } as const),
      ...(decodingMs === null ? {} : { decodingMs }),
    };
    append(record);
    at('frame.written');
    episode.lastUs = atUs;
    episode.frames++;
    if (expert !== null) episode.correctedFrames++;
    if (latencyMs !== null) episode.latenciesMs.push({ ...record, observation: [], action: [] });
  }

  intervene(): void {
    const episode = this.#opened();
    if (episode.isIntervened) return;
    episode.isIntervened = true;
    if (episode.frames > 0) this.#ports.append({ kind: 'intervene' });
  }

  end(outcome: Outcome, reason: string | undefined, atUs?: number): KeptEntry | undefined {
    if (!outcomes.includes(outcome))
      throw new TypeError(`expected ${outcomes.join(', ')}, got ${JSON.stringify(outcome)}`);
    const episode = this.#open;
    if (episode?.startedAtUs === undefined) {
      this.#open = undefined;
      return undefined;
    }
    const { robotType, newEntry, append, at } = this.#ports;
    const record = endRecord(
      {
        begin: { ...episode.begin, startedAtUs: episode.startedAtUs },
        frames: episode.latenciesMs,
        lastFrameUs: episode.lastUs,
        correctedFrames: episode.correctedFrames,
        isIntervened: episode.isIntervened,
      },
      { outcome, reason: reasonOf(outcome, reason), atUs: this.#instantOf(episode, atUs) },
      robotType,
      newEntry,
    );
    append(record);
    at('end.written');
    this.#open = undefined;
    return record.kept;
  }

  #opened(): OpenEpisode {
    return this.#open ?? this.#begin({});
  }

  #begin({ task = this.#ports.robotType.tasks[0] }: { readonly task?: string | undefined }): OpenEpisode {
    const { robotType, newId, skewMs, machineBootId } = this.#ports;
    const [acting, policy] = [this.#ports.acting(), this.#ports.policy()];
    if (this.#open !== undefined && this.#open.frames > 0)
      throw new Error(`expected the open episode to be ended first [episode=${this.#open.begin.episodeId}]`);
    if (task === undefined || !this.isTask(task))
      throw new TypeError(`expected one of the tasks ${robotType.tasks.join(', ')}, got ${task}`);
    // What the version does not know it did not do: somebody else acted.
    const version = acting?.knows(task) === true ? acting : undefined;
    const episodeId = newId();
    const offsetUs = this.#clockOffsetUs();
    this.#open = {
      begin: {
        kind: 'begin',
        episodeId,
        task,
        policyVersion: version?.version ?? null,
        trialId: version?.trialId ?? null,
        ...(policy === undefined ? {} : { policy }),
        skewMs: skewMs() ?? null,
        stamp: { machineBootId, clockOffsetMs: offsetUs / 1000 },
        robotType: this.#body,
      },
      startedAtUs: undefined,
      offsetUs,
      programOffsetUs: offsetUs,
      lastUs: 0,
      frames: 0,
      correctedFrames: 0,
      isIntervened: false,
      latenciesMs: [],
    };
    return this.#open;
  }

  /** An episode is on the disk from its first frame on. */
  #writeBegin(episode: OpenEpisode, startedAtUs: number): void {
    const { append, at } = this.#ports;
    append({ ...episode.begin, startedAtUs });
    at('begin.written');
    episode.startedAtUs = startedAtUs;
    if (episode.isIntervened) append({ kind: 'intervene' });
  }

  /** What is no instant of any clock is as good as none. */
  #instantOf(episode: OpenEpisode, atUs: number | undefined): number {
    if (atUs === undefined || !(atUs >= 0 && atUs <= latestUs))
      return Math.round(this.#ports.monotonic() * 1000) + episode.offsetUs;
    return this.#sinceStart(episode, Math.round(atUs));
  }

  /**
   * An instant that the robot's program read from its clock, by the clock as it was at the start. Has the clock jumped, the
   * program may have read it before or after: what lies nearer to now is right.
   */
  #sinceStart(episode: OpenEpisode, atUs: number): number {
    const newOffsetUs = this.#clockOffsetUs();
    if (Math.abs(newOffsetUs - episode.programOffsetUs) > clockJumpUs) {
      const agoUs = (offsetUs: number): number => Math.abs(this.#ports.monotonic() * 1000 - (atUs - offsetUs));
      if (agoUs(newOffsetUs) < agoUs(episode.programOffsetUs)) episode.programOffsetUs = newOffsetUs;
    }
    return Math.max(0, atUs - episode.programOffsetUs + episode.offsetUs);
  }

  #clockOffsetUs(): number {
    return Math.round((this.#ports.wall() - this.#ports.monotonic()) * 1000);
  }
}

/** How an episode ends whose process died in it: nothing says whether it would have succeeded. */
export const endOfInterrupted = (
  open: Omit<SpooledEpisode, 'end'>,
  robotType: RobotType,
  newEntry: NewEntry,
): RecordOf<'end'> => {
  const lastFrameUs = open.frames.at(-1)?.atUs ?? open.begin.startedAtUs;
  const how = { outcome: 'aborted', reason: 'agentStopped', atUs: lastFrameUs } as const;
  const correctedFrames = open.frames.filter(({ expertAction }) => expertAction !== null).length;
  return endRecord({ ...open, lastFrameUs, correctedFrames }, how, robotType, newEntry);
};

function endRecord(
  episode: {
    readonly begin: RecordOf<'begin'>;
    readonly frames: readonly RecordOf<'frame'>[];
    readonly lastFrameUs: number;
    readonly correctedFrames: number;
    readonly isIntervened: boolean;
  },
  how: { readonly outcome: Outcome; readonly reason: string | null; readonly atUs: number },
  { rateHz }: RobotType,
  newEntry: NewEntry,
): RecordOf<'end'> {
  const { begin, lastFrameUs } = episode;
  const endedAtUs = Math.min(Math.max(how.atUs, lastFrameUs), lastFrameUs + Math.round(1e6 / rateHz));
  const p50 = latencies(episode.frames).latency_p50_ms;
  const kept = newEntry(begin, {
    kind: 'episode',
    atMs: Math.round(endedAtUs / 1000),
    policyVersion: begin.policyVersion,
    trialId: begin.trialId,
    episodeId: begin.episodeId,
    task: begin.task,
    durationMs: durationMs(begin.startedAtUs, endedAtUs),
    outcome: how.outcome,
    failureReason: how.reason,
    intervened: episode.isIntervened,
    correctedFrames: Math.min(episode.correctedFrames, wireLimits.maxCorrectedFrames),
    latencyP50Ms: p50 === null || p50 <= 0 ? null : Math.min(p50, 3_600_000),
  });
  const parts = latencyPartsOf(episode.frames);
  const told = parts === undefined ? kept : { ...kept, latencyParts: parts };
  return { kind: 'end', outcome: how.outcome, reason: how.reason, endedAtUs, kept: told };
}

/** A success has no reason; anything else needs one, and a program that is not checked may give anything. */
function reasonOf(outcome: Outcome, reason: unknown): string | null {
  if (outcome === 'success') return null;
  const text = typeof reason === 'string' || typeof reason === 'number' ? String(reason).trim().slice(0, 100) : '';
  return text === '' ? 'unspecified' : text;
}
