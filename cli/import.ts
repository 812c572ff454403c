import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Argument, type Command } from 'commander';

import type { ObjectStore } from '../store/object-store.ts';
import { publishRobotType } from '../store/records/robot-types.ts';
import { importFormats } from '../datasets/importers/formats.ts';
import type { ImportSummary } from '../datasets/importers/import-summary.ts';

/** `flywheel import <format> <path>`: puts a recording into landing, as robots would; the next cycle collects it. */
export function registerImportCommand(program: Command, openStore: () => Promise<ObjectStore>): void {
  const formats = importFormats.map(({ name, doc }) => `  ${name.padEnd(16)}${doc}`).join('\n');
  program
    .command('import')
    .description('put a recording into landing; the next collection of its robot type brings it into the lake')
    .addArgument(new Argument('<format>', 'kind of the recording').choices(importFormats.map(({ name }) => name)))
    .argument('<path>', 'the file, or its folder')
    .option('--json', 'the summary as JSON on stdout', false)
    .addHelpText('after', `\nFormats:\n${formats}`)
    .action(async (name: string, path: string, options: { json: boolean }, command: Command) => {
      const format = importFormats.find((known) => known.name === name);
      if (format === undefined) throw new Error(`expected a known format, got ${name}`);
      const store = await openStore();
      const scratchDirectory = await mkdtemp(join(tmpdir(), 'flywheel-import-'));
      try {
        await publishRobotType(store, format.robotType);
        const output = command.configureOutput();
        const progress = (line: string): void => output.writeErr?.(`${line}\n`);
        const summary = await format.run({ path, store, scratchDirectory, progress });
        if (summary.episodes === 0) {
          throw new Error(`expected a recording with episodes in it, got none in ${summary.rows} rows of ${path}`);
        }
        output.writeOut?.(options.json ? `${JSON.stringify(summary)}\n` : described(summary));
      } finally {
        await rm(scratchDirectory, { recursive: true, force: true });
      }
    });
}

function described(summary: ImportSummary): string {
  const handled = Object.entries(summary.handled).map(([what, count]) => `  ${spelled(what)}: ${count}`);
  return [
    `${summary.format} → ${summary.robotType}: ${summary.rows} rows, ${summary.episodes} episodes of ` +
      `${summary.robots} robots, ${summary.frames} frames`,
    `${summary.segments} segments in landing, ${summary.segmentsAlreadyThere} of them had been there`,
    'handled by rule:',
    ...handled,
    '',
  ].join('\n');
}

/** `blankRowsLeftOut` → `blank rows left out` */
const spelled = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
