import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { checkFile, factsOfFile, type CheckedFile } from '../activities/collection/check-file.ts';
import { registeredStandings } from '../activities/collection/waiting.ts';
import { collectedType, withKnownTasks } from '../activities/collection/collected-type.ts';
import { builtInRobotTypes } from '../datasets/built-in-robot-types.ts';
import { robotTypeName, type RobotType } from '../datasets/robot-type.ts';
import { openSegmentJudge } from '../workers/compose.ts';
import { openContext, type CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { parseRobotType, readRobotType } from './parse-robot-type.ts';
import { printJson, printTable, say } from './print.ts';

export interface CheckOptions {
  readonly robotType?: string;
  readonly robot?: string;
  readonly json: boolean;
}

/** `flywheel data check`. Loads engine and readers, so only who checks a file imports it. */
export async function checkSegment(file: string, options: CheckOptions): Promise<void> {
  const context = await openContext();
  if (!(await stat(file).catch(() => undefined))?.isFile()) throw new Error(`expected a file, got none: ${file}`);
  const type = await typeOf(context, file, options.robotType);
  const checked = await check(context, file, type, options.robot);
  if (options.json) printJson({ file, robotType: robotTypeName(type), ...checked });
  else print(file, type, checked);
  if (!checked.isAccepted) process.exitCode = exitCodes.no;
}

async function typeOf({ store }: CommandContext, file: string, wanted: string | undefined): Promise<RobotType> {
  const isName = wanted !== undefined && /^[a-z0-9][a-z0-9-]*@\d+$/.test(wanted);
  if (wanted !== undefined && !isName) return readRobotType(wanted);
  const name = wanted ?? (await factsOfFile(file)).footer.robotType;
  if (name === undefined) throw new Error('expected a footer that names a robot type, got none: use --robot-type');
  const builtIn = builtInRobotTypes.find((type) => robotTypeName(type) === name);
  if (builtIn !== undefined) return withKnownTasks(store, builtIn);
  return collectedType(store, parseRobotType(name));
}

async function check(
  context: CommandContext,
  filePath: string,
  type: RobotType,
  robotId: string | undefined,
): Promise<CheckedFile> {
  const scratchDirectory = await mkdtemp(join(context.scratchDirectory, 'check-'));
  const session = await context.engine.open();
  const judge = await openSegmentJudge({ ...context.settings, scratchDirectory });
  try {
    const ports = { ...context, session, judge, scratchDirectory };
    return await checkFile(ports, {
      filePath,
      type,
      robotStandings: () => registeredStandings(context.store),
      ...(robotId === undefined ? {} : { robotId }),
    });
  } finally {
    await session.close();
    await rm(scratchDirectory, { recursive: true, force: true });
  }
}

function print(file: string, type: RobotType, { episodes, frames, violations, isAccepted }: CheckedFile): void {
  say(`${file}: ${frames} frames of ${robotTypeName(type)}`);
  say(
    `${episodes.accepted} episodes would be stored, ${episodes.alreadyStored} are stored already, ${episodes.refused} refused`,
  );
  if (isAccepted) return say('no rule is violated');
  printTable(
    ['rule', 'episode', 'frame', 'found', 'expected', 'released'],
    violations.map(({ rule, episodeId, row, value, expected, waivable }) => [
      rule,
      episodeId ?? 'whole segment',
      row ?? '',
      value,
      expected,
      waivable ? 'yes' : 'never',
    ]),
  );
}
