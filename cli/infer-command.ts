import { Argument, Option, type Command } from 'commander';

import type { Draft } from '../datasets/importers/draft.ts';
import { anyBlanks } from '../datasets/importers/csv-lines.ts';
import { textEncodings, type TableEncoding } from '../datasets/importers/text-encoding.ts';
import { openNewContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import type { InferInput } from './infer.ts';
import { printJson, say } from './print.ts';

interface InferOptions {
  readonly json: boolean;
  readonly id: string;
  readonly out: string;
  readonly separator?: string;
  readonly decimal?: string;
  readonly encoding?: TableEncoding;
  readonly label: NonNullable<InferInput['label']>;
}

/** `flywheel robot-types infer`. `command` adds a command with `--json` to the group. */
export function registerInferCommand(command: (name: string, description: string) => Command): void {
  command('infer', 'draft a robot type and an import map from a recording, for a person to correct')
    .addArgument(
      new Argument('<format>', 'kind of the recording').choices(['csv', 'parquet', 'lerobot', 'mcap', 'rooms']),
    )
    .argument('<path>', 'the file, or its folder')
    .requiredOption('--id <id>', 'id of the new robot type, e.g. arm-7')
    .option('--out <folder>', 'folder for robot-type.json and import-map.json', '.')
    .option(
      '--separator <character>',
      'separator of the cells of a text table, or "blanks": one or more of them (default: guessed)',
    )
    .option('--decimal <mark>', 'decimal separator in a text table: . or , (default: guessed)')
    .addOption(new Option('--encoding <name>', 'characters of a text table (default: guessed)').choices(textEncodings))
    .addOption(new Option('--label <kind>', 'rooms: what is told').choices(['obstacle', 'floor']).default('obstacle'))
    .action(async (format: InferInput['format'], path: string, options: InferOptions) => {
      const { id, separator, decimal, encoding, out, json, label } = options;
      if (separator !== undefined && separator.length !== 1 && separator !== anyBlanks)
        throw new CommandError('wrong', `--separator: expected one character, or ${anyBlanks}`);
      if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(id))
        throw new CommandError(
          'wrong',
          `--id: expected lower-case letters, digits and dashes, e.g. arm-7, got ${id.slice(0, 80)}`,
        );
      if (decimal !== undefined && decimal !== '.' && decimal !== ',')
        throw new CommandError('wrong', '--decimal: expected . or ,');
      const { inferDraft, writeDraft } = await import('./infer.ts');
      const input: InferInput = { format, path, id, separator, decimal, encoding, label };
      const draft = await inferDraft(input, (await openNewContext()).engine);
      const files = await writeDraft(draft, out);
      if (json) return printJson({ ...files, notes: draft.notes });
      const written = Object.values(files).join(' and ');
      say(`${written} ${files.map === undefined ? 'is a draft; check it' : 'are drafts; check them'} before use:`);
      for (const note of draft.notes) say(`  ${note}`);
      say('then:');
      for (const step of nextSteps(draft, files, { format, path })) say(`  flywheel ${step}`);
    });
}

/** What comes after a draft, up to a model that the gates judged. */
function nextSteps(
  { robotType }: Draft,
  files: { readonly robotType: string; readonly map?: string },
  { format, path }: Pick<InferInput, 'format' | 'path'>,
): readonly string[] {
  const { id, actions } = robotType as { readonly id: string; readonly actions: { readonly kind: string } };
  const map = files.map === undefined ? '' : ` --map ${shellWord(files.map)}`;
  const type = shellWord(files.robotType);
  return [
    `robot-types check ${type}`,
    `import ${format} ${shellWord(path)}${map} --robot-type ${type}`,
    ...(actions.kind === 'none'
      ? []
      : [
          `models baseline --untrained --policy ${id} --robot-type ${id}@1   (only where the policy has no model yet)`,
          `cycle start --policy ${id} --input '{"bootstrap": true}' --follow   (collects, trains and judges; docs/tutorials/own-data.md)`,
        ]),
  ];
}

/** A word as a shell reads it back. */
const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
