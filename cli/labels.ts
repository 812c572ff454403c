import { open, type FileHandle } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename } from 'node:path';

import type { Command } from 'commander';
import { z } from 'zod';

import { readHandLabels, removeHandLabel, type HandLabel } from '../activities/mix/hand-labels.ts';
import type { LabelWord } from '../activities/mix/label-episode.ts';
import { actByCommand } from './act.ts';
import { openContext, type CommandContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { plainIssue } from './plain-issue.ts';
import { printJson, printTable, say } from './print.ts';

interface AddOptions {
  readonly frames?: string;
  readonly action?: string;
  readonly failureReason?: string;
  readonly reason: string;
  readonly json: boolean;
}

/** `flywheel labels …`: what persons say of frames and failures after they were recorded. */
export function registerLabelCommands(program: Command): void {
  const labels = program.command('labels').description('what robots should have done, said by persons afterwards');
  labels
    .command('add')
    .description('label frames of a stored episode, or the reason of its failure; undo it with `labels remove`')
    .argument('<episode-id>', 'its ULID')
    .option('--frames <from-to>', 'the frames, the last one included, e.g. 120-180')
    .option('--action <action>', 'the name of a discrete action, or values like [0.1, 2]')
    .option('--failure-reason <text>', 'why the episode failed, instead of frames')
    .requiredOption('--reason <text>', 'why you say so; kept in the log')
    .option('--json', 'as JSON', false)
    .action(addLabel);
  labels
    .command('import')
    .description('add labels of a file, a JSON object a line; a file that is read twice adds nothing the second time')
    .argument('<file>', 'lines {"labelId", "episodeId", "frames": [from, to], "action"} or {…, "failureReason"}')
    .requiredOption('--reason <text>', 'why you say so; kept in the log')
    .option('--json', 'as JSON', false)
    .action(importLabels);
  labels
    .command('list')
    .description('list labels that hold, with who and why')
    .option('--json', 'as JSON', false)
    .action(async (options: { json: boolean }) => {
      const { holding } = await readHandLabels((await openContext()).store);
      if (options.json) return printJson(holding);
      printTable(
        ['label', 'episode', 'frames', 'says', 'who', 'reason', 'since'],
        holding.map((label) => [
          label.labelId,
          label.episodeId,
          label.kind === 'frames' ? `${label.start}-${label.end - 1}` : '',
          saysText(label),
          label.who,
          label.reason,
          new Date(label.atMs).toISOString(),
        ]),
      );
    });
  labels
    .command('remove')
    .description('take a label back, from the next training set on')
    .argument('<label-id>', 'as `labels list` shows it')
    .requiredOption('--reason <text>', 'why; kept in the log')
    .option('--json', 'as JSON', false)
    .action(async (labelId: string, { reason, json }: { reason: string; json: boolean }) => {
      const context = await openContext();
      const who = userInfo().username;
      const act = { act: 'label.remove', policy: null, subject: labelId, reason, who };
      const removal = () => removeHandLabel(context, { labelId, who, reason });
      const line = await actByCommand(context, act, removal, () => `label ${labelId} is taken back`);
      if (json) return printJson(line);
      say(`label ${labelId} is taken back`);
    });
}

const saysText = (label: HandLabel): string =>
  label.kind === 'frames' ? `action ${label.action.join(', ')}` : `failed: ${label.failureReason}`;

async function addLabel(episodeId: string, { json, reason, ...options }: AddOptions): Promise<void> {
  const said = saidBy(options);
  const context = await openContext();
  const { labelEpisode } = await import('../activities/mix/label-episode.ts');
  const who = userInfo().username;
  const act = { act: 'label.add', policy: null, subject: `${episodeId}: ${wordText(said)}`, reason, who };
  const label = await actByCommand(
    context,
    act,
    () => labelEpisode(context, { episodeId, said, who, reason }),
    ({ labelId }) => `label ${labelId} holds from the next training set on`,
  );
  if (json) return printJson(label);
  say(`label ${label.labelId} holds from the next training set on`);
}

const wordText = (said: LabelWord['said']): string =>
  said.kind === 'failureReason'
    ? `failed: ${said.failureReason}`
    : `frames ${said.start}-${said.end - 1}: ${JSON.stringify(said.action)}`;

function saidBy({ frames, action, failureReason }: Omit<AddOptions, 'json' | 'reason'>): LabelWord['said'] {
  if (failureReason !== undefined) {
    if (frames !== undefined || action !== undefined)
      throw new CommandError('wrong', 'expected either --failure-reason, or --frames and --action');
    return { kind: 'failureReason', failureReason };
  }
  const [, from, to] = /^(\d{1,9})-(\d{1,9})$/.exec(frames ?? '') ?? [];
  if (from === undefined || to === undefined || action === undefined)
    throw new CommandError('wrong', 'expected --frames like 120-180 and --action, or --failure-reason');
  return { kind: 'frames', start: Number(from), end: Number(to) + 1, action: actionText(action) };
}

/** Values in brackets, or a name. */
function actionText(action: string): string | number[] {
  if (!action.startsWith('[')) return action;
  try {
    return z.array(z.number()).max(256).parse(JSON.parse(action));
  } catch {
    throw new CommandError('wrong', `--action: expected values like [0.1, 2], got ${action.slice(0, 80)}`);
  }
}

const named = { labelId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/), episodeId: z.string().max(64) };
const framesSchema = z.strictObject({
  ...named,
  frames: z.tuple([z.int().min(0), z.int().min(0)], 'expected the first and the last frame, e.g. [120, 180]'),
  action: z.union([z.string().max(200), z.array(z.number()).max(256)], 'expected a name, or a list of numbers'),
});
const reasonSchema = z.strictObject({ ...named, failureReason: z.string() });
type LabelLine = z.infer<typeof framesSchema> | z.infer<typeof reasonSchema>;
const mostLines = 100_000;
const longestLine = 16_384;
/** Of a file: a line is held as a whole, however long it is. */
const mostFileBytes = 256 * 1024 * 1024;
const example = '{"labelId": "a-1", "episodeId": "01…", "frames": [120, 180], "action": "left"}';

async function importLabels(file: string, { reason, json }: { reason: string; json: boolean }): Promise<void> {
  const context = await openContext();
  const who = userInfo().username;
  const act = { act: 'label.import', policy: null, subject: basename(file), reason, who };
  const labels = await actByCommand(
    context,
    act,
    () => importLines(context, file, { who, reason }),
    (number) => `${number} labels hold from the next training set on`,
  );
  if (json) return printJson({ labels });
  say(`${labels} labels hold from the next training set on`);
}

/** Line after line: what stands before a wrong one is kept, and a second run goes on after it. Gives how many there are. */
async function importLines(
  context: CommandContext,
  file: string,
  word: { readonly who: string; readonly reason: string },
): Promise<number> {
  const { labelEpisode } = await import('../activities/mix/label-episode.ts');
  const handle = await openLabels(file);
  let number = 0;
  try {
    for await (const text of handle.readLines()) {
      if (text.trim() === '') continue;
      number += 1;
      if (number > mostLines)
        throw new CommandError('wrong', `expected at most ${mostLines} labels in a file, got more`);
      const line = lineOf(text, number);
      const said: LabelWord['said'] =
        'failureReason' in line
          ? { kind: 'failureReason', failureReason: line.failureReason }
          : { kind: 'frames', start: line.frames[0], end: line.frames[1] + 1, action: line.action };
      const { labelId, episodeId } = line;
      await labelEpisode(context, { labelId, episodeId, said, ...word }).catch((error: unknown) => {
        throw new CommandError('wrong', `label ${number}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      });
    }
  } finally {
    await handle.close();
  }
  if (number === 0)
    throw new CommandError('wrong', `${file}: expected labels, a JSON object a line like ${example}, got none`);
  return number;
}

async function openLabels(file: string): Promise<FileHandle> {
  const refused = (got: string, cause?: unknown): CommandError =>
    new CommandError('wrong', `expected a file of labels that can be read, got ${got}: ${file}`, { cause });
  const handle = await open(file).catch((cause: unknown) => {
    throw refused('none', cause);
  });
  const found = await handle.stat();
  if (found.isFile() && found.size <= mostFileBytes) return handle;
  await handle.close();
  throw refused(found.isFile() ? `${found.size} bytes, more than ${mostFileBytes}` : 'no regular file');
}

function lineOf(text: string, number: number): LabelLine {
  const wrong = (got: string): CommandError => new CommandError('wrong', `label ${number}: ${got}`);
  if (text.length > longestLine)
    throw wrong(`expected at most ${longestLine} characters in a line, got ${text.length}`);
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong(`expected a JSON object a line like ${example}, got ${JSON.stringify(text.slice(0, 40))}`);
  const line = (Object.hasOwn(value, 'failureReason') ? reasonSchema : framesSchema).safeParse(value);
  if (line.success) return line.data;
  throw wrong(
    line.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${plainIssue(message)}`).join('; '),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
