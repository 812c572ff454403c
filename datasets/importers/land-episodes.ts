import { z } from 'zod';

import { landSegment } from '../landing.ts';
import type { RobotType } from '../robot-type.ts';
import type { RowRun } from '../run-recorder.ts';
import { ImportError, quoted, type ImportInput } from './import-summary.ts';
import { digestOfEpisodes, rowRun } from './segment-rows.ts';
import type { SourceEpisode } from './source-episode.ts';

export type LandingPorts = Pick<
  ImportInput,
  'store' | 'scratchDirectory' | 'progress' | 'isRegistered' | 'beforeLanding'
>;

export interface EpisodesToLand {
  /** Says which import this is: what an earlier run of it has landed is not landed again. None: nothing is remembered. */
  readonly importId: string | undefined;
  readonly type: RobotType;
  /** Of episodes that do not say it. */
  readonly site: string;
  /** The program that made the segments. */
  readonly agentVersion: string;
  readonly episodes: AsyncIterable<SourceEpisode>;
  /** Frames of a full segment; 20,000 unless a test says otherwise. */
  readonly segmentFrames?: number;
}

export interface Landed {
  readonly frames: number;
  readonly episodes: number;
  readonly robots: number;
  readonly segments: number;
  readonly segmentsAlreadyThere: number;
}

/** A segment is full with so many episodes or frames. */
const segmentEpisodes = 50;
const framesOfFullSegment = 20_000;
/** Frames that wait to become segments, of all robots together, by the frames of a full one. */
const mostWaiting = 4;
const mostRobots = 10_000;

/** The record of the n-th segment of an import. */
const recordKey = (importId: string, segment: number): string =>
  `imports/${importId}/${String(segment).padStart(8, '0')}.json`;
/** `digest`: of the episodes in it, so that a segment of others is never taken for it. */
const recordSchema = z.object({ key: z.string(), digest: z.string(), episodes: z.int(), frames: z.int() });

/**
 * Records episodes as segments, by the same recorder as robots, and puts them into landing. The same episodes in the same order make the
 * same segments, byte for byte; every segment that is landed leaves a record, by which an import that was cut short goes on behind it.
 */
export async function landEpisodes(ports: LandingPorts, input: EpisodesToLand): Promise<Landed> {
  const lander = new Lander(ports, input);
  for await (const episode of input.episodes) await lander.take(episode);
  return lander.end();
}

class Lander {
  readonly #ports: LandingPorts;
  readonly #input: EpisodesToLand;
  readonly #waiting = new Map<string, readonly SourceEpisode[]>();
  readonly #robots = new Set<string>();
  readonly #segmentFrames: number;
  #waitingFrames = 0;
  #totals = { frames: 0, episodes: 0, segments: 0, segmentsAlreadyThere: 0 };

  constructor(ports: LandingPorts, input: EpisodesToLand) {
    this.#ports = ports;
    this.#input = input;
    this.#segmentFrames = input.segmentFrames ?? framesOfFullSegment;
  }

  async take(episode: SourceEpisode): Promise<void> {
    const { robotId } = episode;
    if (!this.#robots.has(robotId)) await this.#meet(robotId);
    // A segment is cut where it would outgrow its size, so that one long episode stands alone.
    const before = this.#waiting.get(robotId) ?? [];
    if (framesOf(before) + episode.frames.length > this.#segmentFrames) await this.#land(robotId);
    const waiting = this.#waiting.get(robotId) ?? [];
    this.#waiting.set(robotId, [...waiting, episode]);
    this.#waitingFrames += episode.frames.length;
    if (waiting.length + 1 >= segmentEpisodes) await this.#land(robotId);
    while (this.#waitingFrames > mostWaiting * this.#segmentFrames) await this.#land(this.#fullest());
  }

  async #meet(robotId: string): Promise<void> {
    this.#robots.add(robotId);
    if (this.#robots.size > mostRobots)
      throw new ImportError(`expected at most ${mostRobots} robots, got one more, ${quoted(robotId)}`);
    if (await this.#ports.isRegistered(robotId))
      throw new ImportError(
        `expected robots that exist in recordings only, got ${robotId}, which is registered: give those of the recording other ids in the map, e.g. by "prefix"`,
      );
  }

  #fullest(): string {
    const [[robotId] = ['']] = [...this.#waiting].toSorted(([, a], [, b]) => framesOf(b) - framesOf(a));
    return robotId;
  }

  async end(): Promise<Landed> {
    for (const robotId of this.#waiting.keys()) await this.#land(robotId);
    return { ...this.#totals, robots: this.#robots.size };
  }

  async #land(robotId: string): Promise<void> {
    const waiting = this.#waiting.get(robotId) ?? [];
    this.#waiting.delete(robotId);
    if (waiting.length === 0) return;
    const { type, site, agentVersion, importId } = this.#input;
    const frames = framesOf(waiting);
    const number = this.#totals.segments;
    if (number === 0) await this.#ports.beforeLanding?.();
    this.#totals.segments += 1;
    this.#totals.episodes += waiting.length;
    this.#totals.frames += frames;
    const digest = importId === undefined ? '' : digestOfEpisodes(waiting, type, site);
    const known = await this.#landedBefore(number, digest);
    if (known === undefined) {
      const landed = await landSegment(this.#ports, { robotId, type, agentVersion, runs: this.#runsOf(waiting) });
      if (landed.outcome === 'exists') this.#totals.segmentsAlreadyThere += 1;
      if (importId !== undefined) {
        const record = { key: landed.key, digest, episodes: waiting.length, frames };
        await this.#ports.store.putIfAbsent(recordKey(importId, number), encoder.encode(JSON.stringify(record)));
      }
      this.#ports.progress(`${this.#totals.episodes} episodes: ${frames} frames of ${robotId} → ${landed.key}`);
    } else {
      this.#totals.segmentsAlreadyThere += 1;
      this.#ports.progress(`${this.#totals.episodes} episodes: ${frames} frames of ${robotId} were landed before`);
    }
    this.#waitingFrames -= frames;
  }

  async #landedBefore(segment: number, digest: string): Promise<string | undefined> {
    const { importId } = this.#input;
    const bytes = importId === undefined ? undefined : await this.#ports.store.get(recordKey(importId, segment));
    if (bytes === undefined) return undefined;
    const parsed = recordSchema.safeParse(jsonOf(bytes));
    return parsed.success && parsed.data.digest === digest ? parsed.data.key : undefined;
  }

  *#runsOf(episodes: readonly SourceEpisode[]): Generator<RowRun> {
    for (const episode of episodes) yield rowRun(episode, this.#input.type, this.#input.site);
  }
}

const encoder = new TextEncoder();

const framesOf = (episodes: readonly SourceEpisode[]): number =>
  episodes.reduce((sum, { frames }) => sum + frames.length, 0);

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
