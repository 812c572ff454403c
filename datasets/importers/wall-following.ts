import { scitosG5RecordingType } from '../built-in-robot-types.ts';
import { deterministicUlid } from '../deterministic-ulid.ts';
import { landSegment } from '../landing.ts';
import { robotTypeName } from '../robot-type.ts';
import type { SegmentRow } from '../segment-row.ts';
import { ImportError, type ImportInput, type ImportSummary } from './import-summary.ts';
import { fileAt, numberAt, readTable, type TableLine } from './read-table.ts';

const fileName = 'sensor_readings_24.data';
const type = scitosG5RecordingType;
/** The recording carries no time of day; this fixed one stands for it, and the robot type's split speaks of it. */
const recordingStartUs = Date.parse('2009-10-01T09:00:00Z') * 1000;
/** 5,456 rows are 124 episodes of 44 frames (4.9 s), and those are 31 for each of four robots. */
const framesPerEpisode = 44;
const episodesPerRobot = 31;

/** The classes of the file, by the names of the robot type's actions. */
const actionOfClass: Readonly<Record<string, string>> = {
  'Move-Forward': 'move-forward',
  'Slight-Left-Turn': 'slight-left-turn',
  'Slight-Right-Turn': 'slight-right-turn',
  'Sharp-Right-Turn': 'sharp-right-turn',
};

export interface WallFollowingReading {
  readonly observation: readonly number[];
  readonly action: number;
}

/**
 * Wall-Following Robot Navigation (UCI 194): 24 ultrasound readings of a SCITOS G5 and the class of each, at 9 Hz. Cut in
 * time into robots and episodes; the recorded class is what the robot did and what an expert would have done. Importing
 * the same file again makes the same segments.
 */
export async function importWallFollowing(input: ImportInput): Promise<ImportSummary> {
  const { readings, headerLines } = await readFileOf(input.path);
  const episodes = chunksOf(readings, framesPerEpisode).filter(
    ({ items }) => items.length >= type.limits.minEpisodeFrames,
  );
  const robots = chunksOf(episodes, episodesPerRobot);
  let segmentsAlreadyThere = 0;
  for (const [index, { items }] of robots.entries()) {
    const robotId = `scitos-g5-${String(index + 1).padStart(2, '0')}`;
    const rows = items.flatMap(({ items, start }) => episodeRows(robotId, items, start));
    const { outcome, key } = await landSegment(input, { robotId, type, agentVersion: 'importer-wall-following', rows });
    if (outcome === 'exists') segmentsAlreadyThere++;
    input.progress(`${index + 1} of ${robots.length} robots: ${rows.length} frames → ${key}`);
  }
  const frames = episodes.reduce((sum, { items }) => sum + items.length, 0);
  return {
    format: 'wall-following',
    robotType: robotTypeName(type),
    rows: readings.length,
    frames,
    episodes: episodes.length,
    robots: robots.length,
    segments: robots.length,
    segmentsAlreadyThere,
    handled: { headerLines, rowsOfTooShortLastEpisode: readings.length - frames },
  };
}

/** The rows of the recording in their order; `path` is the file or the folder that holds it. */
export const readWallFollowing = async (path: string): Promise<readonly WallFollowingReading[]> =>
  (await readFileOf(path)).readings;

async function readFileOf(folder: string): Promise<{ readings: WallFollowingReading[]; headerLines: number }> {
  const path = await fileAt(folder, fileName);
  const readings: WallFollowingReading[] = [];
  let headerLines = 0;
  for await (const row of readTable(path, ',')) {
    if (readings.length === 0 && row.cells[0]?.trim() === 'S1') headerLines++;
    else readings.push(readingOf(path, row));
  }
  return { readings, headerLines };
}

function readingOf(path: string, row: TableLine): WallFollowingReading {
  const sensors = type.observations.length;
  if (row.cells.length !== sensors + 1) {
    const got = `${row.cells.length} cells [path=${path}, line=${row.line}]`;
    throw new ImportError(`expected ${sensors} readings and a class, got ${got}`);
  }
  const label = row.cells[sensors]?.trim() ?? '';
  const name = actionOfClass[label];
  const action = type.actions.kind === 'discrete' && name !== undefined ? type.actions.names.indexOf(name) : -1;
  if (action < 0) {
    const expected = Object.keys(actionOfClass).join(', ');
    throw new ImportError(`expected one of ${expected}, got "${label}" [path=${path}, line=${row.line}]`);
  }
  const observation = type.observations.map(({ name }, sensor) => numberAt(path, row, name, row.cells[sensor]));
  return { observation, action };
}

/** Consecutive runs of at most `size` items, with the position of their first. */
function chunksOf<Item>(items: readonly Item[], size: number): readonly { start: number; items: readonly Item[] }[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, chunk) => ({
    start: chunk * size,
    items: items.slice(chunk * size, (chunk + 1) * size),
  }));
}

const frameUs = (frame: number): number => recordingStartUs + Math.round((frame * 1e6) / type.rateHz);

function episodeRows(
  robotId: string,
  readings: readonly WallFollowingReading[],
  firstFrame: number,
): readonly SegmentRow[] {
  const startedAt = frameUs(firstFrame);
  return readings.map(({ observation, action }, index) => ({
    episode_id: deterministicUlid(`wall-following:${firstFrame}`, Math.floor(startedAt / 1000)),
    robot_id: robotId,
    robot_type: type.id,
    robot_type_version: type.version,
    site: 'recording',
    task: 'wall-following',
    policy_version: null,
    started_at: startedAt,
    duration_ms: Math.round((frameUs(firstFrame + readings.length) - startedAt) / 1000),
    outcome: 'success',
    failure_reason: null,
    intervened: false,
    latency_p50_ms: null,
    latency_p95_ms: null,
    frame_count: readings.length,
    media: null,
    frame_index: index,
    timestamp: frameUs(firstFrame + index),
    observation,
    action: [action],
    expert_action: [action],
    is_correction: false,
  }));
}
