import { Argument, Option, type Command } from 'commander';

import { openNewContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import type { InferInput } from './infer.ts';
import { printJson, say } from './print.ts';

interface InferOptions {
  readonly json: boolean;
  readonly id: string;
  readonly out: string;
  readonly separator: string;
  readonly decimal: string;
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
    .option('--separator <character>', 'separator of the cells of a text table', ',')
    .option('--decimal <mark>', 'decimal separator in a text table: . or ,', '.')
    .addOption(new Option('--label <kind>', 'rooms: what is told').choices(['obstacle', 'floor']).default('obstacle'))
    .action(async (format: InferInput['format'], path: string, options: InferOptions) => {
      const { id, separator, decimal, out, json, label } = options;
      if (separator.length !== 1) throw new CommandError('wrong', '--separator: expected one character');
      if (decimal !== '.' && decimal !== ',') throw new CommandError('wrong', '--decimal: expected . or ,');
      const { inferDraft, writeDraft } = await import('./infer.ts');
      const draft = await inferDraft({ format, path, id, separator, decimal, label }, (await openNewContext()).engine);
      const files = await writeDraft(draft, out);
      if (json) return printJson({ ...files, notes: draft.notes });
      const written = Object.values(files).join(' and ');
      say(`${written} ${files.map === undefined ? 'is a draft; check it' : 'are drafts; check them'} before use:`);
      for (const note of draft.notes) say(`  ${note}`);
      say(
        `then: flywheel import ${format} PATH${files.map === undefined ? '' : ` --map ${files.map}`} --robot-type ${files.robotType}`,
      );
    });
}
