import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';

import { z } from 'zod';

import { isFailure } from '../store/failures.ts';
import { newToken, tokenHash } from '../fleet/desk/robot-tokens.ts';
import { addRobot, newRobotSchema, readRobots, type NewRobot } from '../fleet/desk/robots.ts';
import { robotIdSchema } from '../fleet/protocol/index.ts';
import { checkPolicyType } from './check-policy-type.ts';
import type { CommandContext } from './context.ts';
import { readCsv, readTextFile, type CsvLine } from './csv-text.ts';
import { CommandError } from './exit-codes.ts';
import { parseRobotType } from './parse-robot-type.ts';
import { readSmallFile } from './read-small-file.ts';

/** Robots of one file. */
const mostRobots = 10_000;
const mostBytes = 2 * 1024 * 1024;
const mostErrors = 50;
const columns = ['robot_id', 'site', 'stratum', 'robot_type', 'policy'] as const;
type ColumnName = (typeof columns)[number];

/** What holds for every robot whose line says nothing else. */
export interface ManyDefaults {
  readonly site?: string | undefined;
  readonly stratum?: string | undefined;
  readonly robotType?: string | undefined;
  readonly policy: string;
}

type WantedRobot = Omit<NewRobot, 'tokenHashes'>;

type CheckPolicyType = (policy: string, robotType: { id: string; version: number }) => Promise<void>;

const tokensSchema = z.array(z.strictObject({ robotId: robotIdSchema, token: z.string().min(1).max(200) }));
type Tokens = z.infer<typeof tokensSchema>;

/**
 * Registers all robots of a CSV file, or none of them: everything that is wrong is told by line first. Their tokens lie in `tokensFile`, readable by
 * its owner only, before the first is registered: whoever is interrupted runs the same command again, and it goes on.
 */
export async function addManyRobots(
  context: Pick<CommandContext, 'store' | 'clock'>,
  from: { readonly file: string; readonly tokensFile: string; readonly who: string; readonly why: string },
  defaults: ManyDefaults,
): Promise<{ readonly added: number; readonly known: number }> {
  const text = await readTextFile(from.file, mostBytes);
  const errors: string[] = [];
  const wanted = wantedRobots(readCsv(text, from.file), defaults, from, errors);
  await checkTypes(wanted, (policy, type) => checkPolicyType(context.store, policy, type), errors);
  const before = await tokensOf(from.tokensFile);
  const registered = await readRobots(context.store);
  const kept = new Map(before?.map(({ robotId, token }) => [robotId, token]));
  const isOurs = (robotId: string): boolean => {
    const token = kept.get(robotId);
    return token !== undefined && registered.get(robotId)?.tokenHashes.includes(tokenHash(token)) === true;
  };
  for (const { line, robot } of wanted)
    if (registered.has(robot.robotId) && !isOurs(robot.robotId))
      errors.push(`line ${line}: robot_id: expected a new robot id, got ${robot.robotId}, which is registered`);
  refuse(from.file, errors);
  const tokens = wanted.map(({ robot: { robotId } }) => ({
    robotId,
    token: kept.get(robotId) ?? newToken(robotId, randomBytes),
  }));
  if (before === undefined) await writeTokens(from.tokensFile, tokens);
  else if (tokens.some(({ robotId }) => !kept.has(robotId)))
    throw new CommandError('wrong', `${from.tokensFile}: expected a new file, or the tokens of these robots`);
  return register(context, wanted, new Map(tokens.map(({ robotId, token }) => [robotId, token])));
}

async function register(
  context: Pick<CommandContext, 'store' | 'clock'>,
  wanted: readonly { readonly robot: WantedRobot }[],
  tokens: ReadonlyMap<string, string>,
): Promise<{ added: number; known: number }> {
  const count = { added: 0, known: 0 };
  for (const { robot } of wanted) {
    const hash = tokenHash(tokens.get(robot.robotId) ?? '');
    try {
      await addRobot(context, { ...robot, tokenHashes: [hash] });
      count.added += 1;
    } catch (error) {
      if (!isFailure(error, 'Conflict')) throw error;
      if ((await readRobots(context.store)).get(robot.robotId)?.tokenHashes.includes(hash) !== true) throw error;
      count.known += 1;
    }
  }
  return count;
}

function wantedRobots(
  [head, ...lines]: readonly CsvLine[],
  defaults: ManyDefaults,
  { file, who, why }: { readonly file: string; readonly who: string; readonly why: string },
  errors: string[],
): readonly { readonly line: number; readonly robot: WantedRobot }[] {
  const names = head?.cells.map((name) => name.toLowerCase()) ?? [];
  const unknown = names.filter((name) => !columns.some((column) => column === name));
  if (!names.includes('robot_id') || unknown.length > 0 || new Set(names).size !== names.length)
    throw new CommandError(
      'wrong',
      `${file}: expected a first line with column names (${columns.join(', ')}; at least robot_id, each once), got ${names.join(', ').slice(0, 200) || 'nothing'}`,
    );
  if (lines.length === 0 || lines.length > mostRobots)
    throw new CommandError('wrong', `${file}: expected 1 to ${mostRobots} robots, got ${lines.length}`);
  const first = new Map<string, number>();
  return lines.flatMap(({ line, cells }) => {
    if (cells.length !== names.length) {
      errors.push(`line ${line}: expected ${names.length} cells, got ${cells.length}`);
      return [];
    }
    const cell = (name: ColumnName): string | undefined => cells[names.indexOf(name)] || undefined;
    const robot = robotOf(cell, defaults, { who, why }, (problem) => errors.push(`line ${line}: ${problem}`));
    if (robot === undefined) return [];
    const known = first.get(robot.robotId);
    if (known !== undefined)
      errors.push(`line ${line}: robot_id: expected each once, got ${robot.robotId} of line ${known} again`);
    first.set(robot.robotId, known ?? line);
    return [{ line, robot }];
  });
}

function robotOf(
  cell: (name: ColumnName) => string | undefined,
  { site: defaultSite, stratum, robotType, policy }: ManyDefaults,
  origin: { readonly who: string; readonly why: string },
  tell: (problem: string) => void,
): WantedRobot | undefined {
  const site = cell('site') ?? defaultSite;
  const typeText = cell('robot_type') ?? robotType;
  const type = typeText === undefined ? undefined : typeOf(typeText);
  if (site === undefined) tell('site: expected a value here or --site, got none');
  if (type === undefined) tell(`robot_type: expected id@version here or by --robot-type, got ${typeText ?? 'none'}`);
  const parsed = newRobotSchema.safeParse({
    ...origin,
    robotId: cell('robot_id') ?? '',
    site: site ?? 'none',
    stratum: cell('stratum') ?? stratum ?? site ?? 'none',
    robotType: type ?? { id: 'none', version: 1 },
    policy: cell('policy') ?? policy,
  });
  for (const issue of parsed.error?.issues ?? []) tell(`${issue.path.map(String).join('.')}: ${issue.message}`);
  return parsed.success && site !== undefined && type !== undefined ? parsed.data : undefined;
}

function typeOf(text: string): { id: string; version: number } | undefined {
  try {
    return parseRobotType(text);
  } catch {
    return undefined;
  }
}

/** Every policy and type is asked about once. */
async function checkTypes(
  wanted: readonly { readonly line: number; readonly robot: WantedRobot }[],
  check: CheckPolicyType,
  errors: string[],
): Promise<void> {
  const answers = new Map<string, string | undefined>();
  for (const { line, robot } of wanted) {
    const { policy, robotType } = robot;
    const key = `${policy}/${robotType.id}@${robotType.version}`;
    if (!answers.has(key))
      answers.set(
        key,
        await check(policy, robotType).then(
          () => undefined,
          (error: unknown) => {
            if (isFailure(error, 'StoreUnavailable')) throw error;
            return error instanceof Error ? error.message : String(error);
          },
        ),
      );
    const answer = answers.get(key);
    if (answer !== undefined) errors.push(`line ${line}: ${answer}`);
  }
}

function refuse(file: string, errors: readonly string[]): void {
  if (errors.length === 0) return;
  const more = errors.length > mostErrors ? `\n  and ${errors.length - mostErrors} more` : '';
  const listed = errors.slice(0, mostErrors).map((error) => `\n  ${error.slice(0, 300)}`);
  throw new CommandError('wrong', `${file}: nothing was registered:${listed.join('')}${more}`);
}

/** Tokens of an earlier attempt; undefined when there is no such file. */
async function tokensOf(file: string): Promise<Tokens | undefined> {
  try {
    const read = await readSmallFile(file, mostBytes);
    return tokensSchema.parse(JSON.parse(new TextDecoder().decode(read instanceof Uint8Array ? read : undefined)));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new CommandError('wrong', `${file}: expected a new file, or the tokens of these robots`, {
      cause: error,
    });
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'ENOENT';

/** A new file that its owner alone reads, on the disk when this returns. */
async function writeTokens(file: string, tokens: Tokens): Promise<void> {
  const handle = await open(file, 'wx', 0o600).catch((cause: unknown) => {
    throw new CommandError('wrong', `${file}: expected a path where a file can be created`, { cause });
  });
  try {
    await handle.writeFile(`${JSON.stringify(tokens, undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
