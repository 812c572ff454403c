import { readdir } from 'node:fs/promises';

import { Argument, type Command } from 'commander';

import type { ExportFilter, ExportSummary } from '../activities/exports/picked-episodes.ts';
import { camerasOf, type Camera } from '../datasets/camera.ts';
import { robotTypeName, type RobotType } from '../datasets/robot-type.ts';
import { openVideoExport } from '../workers/compose.ts';
import { outcomes, splits } from '../datasets/columns.ts';
import { openContext, type CommandContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { printJson, say } from './print.ts';
import { findRobotType } from './robot-type-file.ts';

interface ExportOptions {
  readonly robotType: string;
  readonly task?: string[];
  readonly robot?: string[];
  readonly outcome?: string[];
  readonly split?: string[];
  readonly from?: string;
  readonly to?: string;
  readonly episodesVersion?: string;
  readonly framesVersion?: string;
  readonly policy?: string;
  readonly camera?: string[];
  readonly json: boolean;
}

const formats = ['lerobot', 'csv', 'mcap'] as const;
type Format = (typeof formats)[number];

/** `flywheel export <format> <folder>`: episodes of the lake for other tools. */
export function registerExportCommand(program: Command): void {
  program
    .command('export')
    .description('write episodes of the lake as a LeRobot data set (version 3), as text tables or as MCAP files')
    .addArgument(new Argument('<format>', 'format to write').choices(formats))
    .argument('<folder>', 'a new or empty folder')
    .requiredOption('--robot-type <type>', 'id@version whose episodes to export')
    .option('--task <task...>', 'only episodes of these tasks')
    .option('--robot <robot...>', 'only episodes of these robots')
    .option('--outcome <outcome...>', `only episodes with these outcomes: ${outcomes.join(', ')}`)
    .option('--split <split...>', `only episodes of these splits: ${splits.join(', ')}`)
    .option('--from <day>', 'only episodes that started on this UTC day or later, e.g. 2026-11-01')
    .option('--to <day>', 'only episodes that started on this UTC day or earlier')
    .option('--episodes-version <n>', 'version of the episodes table; default: the newest')
    .option('--frames-version <n>', 'version of the frames table; default: the newest')
    .option('--policy <name>', 'lerobot: name tasks by their instructions in the catalogue of this policy')
    .option('--camera <camera...>', 'lerobot: also write videos of these cameras, through ffmpeg')
    .option('--json', 'the summary as JSON', false)
    .action(async (format: Format, folder: string, options: ExportOptions) => {
      const filter = filterOf(options);
      if (format !== 'lerobot' && options.policy !== undefined)
        throw new CommandError('wrong', `expected no --policy: ${format} files contain task ids`);
      if (format !== 'lerobot' && options.camera !== undefined)
        throw new CommandError('wrong', `expected no --camera: ${format} files have no videos`);
      const context = await openContext();
      await requireEmpty(folder);
      const summary = await run(context, format, folder, filter, options);
      if (summary.episodes === 0) throw new CommandError('no', 'expected episodes that match the filter, got none');
      if (options.json) return printJson(summary);
      say(
        `${summary.robotType} → ${folder}: ${summary.episodes} episodes, ${summary.frames} frames in ${summary.files} files`,
      );
      say(
        `not exported: ${summary.excludedEpisodes} excluded episodes, ${summary.incompleteEpisodes} without all of their frames${withoutVideos(summary)}`,
      );
    });
}

const withoutVideos = ({ episodesWithoutVideos: count }: ExportSummary): string =>
  count === undefined ? '' : `, ${count} without an image of every camera for each frame`;

async function run(
  context: CommandContext,
  format: Format,
  folder: string,
  filter: ExportFilter,
  options: ExportOptions,
): Promise<ExportSummary> {
  const robotType = await findRobotType(() => Promise.resolve(context.store), options.robotType);
  const newest = await context.lake.currentVersion();
  const version = {
    episodes: versionOf('--episodes-version', options.episodesVersion, newest.episodes),
    frames: versionOf('--frames-version', options.framesVersion, newest.frames),
  };
  const sentences = await sentencesOf(context, options.policy);
  const session = await context.engine.open({ threads: 1 });
  try {
    const ports = { store: context.store, lake: context.lake, session };
    const input = { version, robotType, filter, folder };
    if (format === 'csv') return await (await import('../activities/exports/export-csv.ts')).exportCsv(ports, input);
    if (format === 'mcap') return await (await import('../activities/exports/export-mcap.ts')).exportMcap(ports, input);
    const { exportLeRobot } = await import('../activities/exports/export-lerobot.ts');
    if (options.camera === undefined) return await exportLeRobot(ports, { ...input, sentences });
    const cameras = camerasNamed(robotType, options.camera);
    const videos = await openVideoExport(context.settings);
    if (videos === undefined)
      throw new CommandError('wrong', '--camera: expected an ffmpeg to write videos, got none: set FLYWHEEL_FFMPEG');
    return await exportLeRobot({ ...ports, videos }, { ...input, sentences, cameras });
  } finally {
    await session.close();
  }
}

function camerasNamed(robotType: RobotType, names: readonly string[]): readonly Camera[] {
  const known = camerasOf(robotType);
  return [...new Set(names)].map((name) => {
    const camera = known.find((each) => each.name === name);
    if (camera !== undefined) return camera;
    const list = known.map((each) => each.name).join(', ') || 'none';
    throw new CommandError('wrong', `--camera: expected cameras of ${robotTypeName(robotType)} (${list}), got ${name}`);
  });
}

/** Instructions by task, the retired ones among them; none without a policy. */
async function sentencesOf(
  { store }: CommandContext,
  policy: string | undefined,
): Promise<ReadonlyMap<string, string>> {
  if (policy === undefined) return new Map();
  const [{ readPolicyDocument }, { readRobotType }, { readTaskCatalogue }] = await Promise.all([
    import('../activities/registry/policy-document.ts'),
    import('../store/records/robot-types.ts'),
    import('../store/records/task-log.ts'),
  ]);
  const { robotType } = await readPolicyDocument(store, policy);
  const { tasks } = await readTaskCatalogue(store, policy, await readRobotType(store, robotType.id, robotType.version));
  return new Map(tasks.map(({ id, instruction }) => [id, instruction]));
}

function filterOf({ task, robot, outcome, split, from, to }: ExportOptions): ExportFilter {
  for (const [name, day] of [
    ['--from', from],
    ['--to', to],
  ] as const)
    if (day !== undefined && !/^\d{4}-\d\d-\d\d$/.test(day))
      throw new CommandError('wrong', `${name}: expected a day such as 2026-11-01, got ${day}`);
  return {
    ...(task === undefined ? {} : { tasks: task }),
    ...(robot === undefined ? {} : { robots: robot }),
    ...(outcome === undefined ? {} : { outcomes: outcome.map((value) => oneOf('--outcome', outcomes, value)) }),
    ...(split === undefined ? {} : { splits: split.map((value) => oneOf('--split', splits, value)) }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

function oneOf<Value extends string>(name: string, known: readonly Value[], value: string): Value {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new CommandError('wrong', `${name}: expected one of ${known.join(', ')}, got ${value}`);
}

function versionOf(name: string, text: string | undefined, newest: number): number {
  const version = text === undefined ? newest : Number(text);
  if (Number.isInteger(version) && version >= 0 && version <= newest) return version;
  throw new CommandError('wrong', `${name}: expected a version from 0 to ${newest}, got ${text ?? ''}`);
}

async function requireEmpty(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new CommandError('wrong', `expected a folder, got something else: ${folder}`, { cause: error });
  });
  if (entries.length > 0) throw new CommandError('wrong', `expected an empty folder, got one with files: ${folder}`);
}
