import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Argument, type Command } from 'commander';

import type { SqlEngine } from '../activities/ports/sql.ts';
import type { ImportInput, ImportSummary } from '../datasets/importers/import-summary.ts';
import { knownRecordings } from '../datasets/importers/known-recordings.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import { isRegistered } from '../fleet/desk/index.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { CommandError } from './exit-codes.ts';
import { importFormats, maplessFormats, type MappedFormat, type MaplessFormat } from './import-formats.ts';
import type { TypedInput } from './mapped-input.ts';
import { printable, printableJson } from './printable.ts';

/** What an import needs of an installation. */
export interface ImportPorts {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
}

interface ImportOptions {
  readonly map?: string;
  readonly robotType?: string;
  readonly again: boolean;
  readonly json: boolean;
}

const formats: readonly { readonly name: string; readonly doc: string }[] = [
  ...importFormats,
  ...maplessFormats,
  ...knownRecordings,
];

/** `flywheel import <format> <path>`: puts a recording into landing, as robots would; the next cycle collects it. */
export function registerImportCommand(program: Command, open: () => Promise<ImportPorts>): void {
  const listed = formats.map(({ name, doc }) => `  ${name.padEnd(16)}${doc}`).join('\n');
  program
    .command('import')
    .description('import a recording into landing; the next collection of its robot type adds it to the lake')
    .addArgument(new Argument('<format>', 'kind of the recording').choices(formats.map(({ name }) => name)))
    .argument('<path>', 'the file, or its folder')
    .option('--map <file>', 'file that maps its columns: docs/import-export.md')
    .option('--robot-type <type>', 'id@version, or a robot type document, which is added if the store does not have it')
    .option('--again', 'also land what an earlier run of the same import has landed', false)
    .option('--json', 'the summary as JSON on stdout', false)
    .addHelpText('after', `\nFormats:\n${listed}`)
    .action(async (name: string, path: string, options: ImportOptions, command: Command) => {
      const ports = await open();
      const scratchDirectory = await mkdtemp(join(tmpdir(), 'flywheel-import-'));
      try {
        const output = command.configureOutput();
        const progress = (line: string): void => output.writeErr?.(`${printable(line)}\n`);
        const input: ImportInput & ImportPorts = {
          ...ports,
          path,
          scratchDirectory,
          progress,
          isRegistered: (robotId) => isRegistered(ports.store, robotId),
        };
        const summary = await runImport(name, input, options);
        if (summary.episodes === 0) throw new CommandError('wrong', nothingIn(path, summary));
        output.writeOut?.(options.json ? `${printableJson(summary)}\n` : printable(described(summary)));
      } finally {
        await rm(scratchDirectory, { recursive: true, force: true });
      }
    });
}

async function runImport(
  name: string,
  input: ImportInput & ImportPorts,
  options: ImportOptions,
): Promise<ImportSummary> {
  const mapped = importFormats.find((format) => format.name === name);
  if (mapped !== undefined) return runMapped(mapped, input, options);
  const mapless = maplessFormats.find((format) => format.name === name);
  if (mapless !== undefined) return runMapless(mapless, input, options);
  const known = knownRecordings.find((recording) => recording.name === name);
  if (known === undefined) throw new Error(`expected a known format, got ${name}`);
  if (options.map !== undefined || options.robotType !== undefined)
    throw new CommandError('wrong', `expected no --map and no --robot-type: ${name} defines both`);
  return known.run({ ...input, ...(await madeKnown(input.store, known.robotType)), isAgain: options.again });
}

async function runMapped(
  format: MappedFormat,
  input: ImportInput & ImportPorts,
  options: ImportOptions,
): Promise<ImportSummary> {
  const typed = await typedInput(format.name, input, options);
  if (options.map === undefined)
    throw new CommandError('wrong', `expected --map: \`flywheel robot-types infer ${format.name}\` drafts one`);
  const { readImportMap } = await import('./import-map-file.ts');
  return format.run({ ...typed, map: await readImportMap(options.map) });
}

async function runMapless(
  format: MaplessFormat,
  input: ImportInput & ImportPorts,
  options: ImportOptions,
): Promise<ImportSummary> {
  if (options.map !== undefined) throw new CommandError('wrong', `expected no --map: ${format.name} says its columns`);
  return format.run(await typedInput(format.name, input, options));
}

async function typedInput(
  format: string,
  input: ImportInput & ImportPorts,
  { robotType, again }: ImportOptions,
): Promise<TypedInput> {
  if (robotType === undefined)
    throw new CommandError('wrong', `expected --robot-type: \`flywheel robot-types infer ${format}\` drafts one`);
  const { findSoundRobotType } = await import('./robot-type-file.ts');
  const type = await findSoundRobotType(() => Promise.resolve(input.store), robotType);
  return { ...input, ...(await madeKnown(input.store, type)), type, isAgain: again };
}

/** Makes a robot type known as `robot-types add` does, once the first segment is at hand; refuses at once what that would refuse. */
async function madeKnown(store: ObjectStore, type: RobotType): Promise<Pick<ImportInput, 'beforeLanding'>> {
  const { addRobotType, knownOtherwise } = await import('./add-robot-type.ts');
  const refuse = (): never => {
    const { id, version } = type;
    throw new CommandError(
      'no',
      `expected ${id}@${version} as it is in the store, got a document with other content: give it version ${version + 1} or more ` +
        `(flywheel robot-types diff ${id}@${version} FILE says what differs)`,
    );
  };
  if ((await knownOtherwise(store, type)) !== undefined) refuse();
  return {
    beforeLanding: async () => {
      const outcome = await addRobotType(store, type);
      if (outcome !== 'added' && outcome !== 'known') refuse();
    },
  };
}

function described(summary: ImportSummary): string {
  const handled = Object.entries(summary.handled).map(([what, count]) => `  ${spelled(what)}: ${count}`);
  const { notTakenNotListed: more } = summary;
  return [
    `${summary.format} → ${summary.robotType}: ${summary.rows} rows, ${summary.episodes} episodes of ` +
      `${summary.robots} robots, ${summary.frames} frames`,
    `${summary.segments} segments in landing, ${summary.segmentsAlreadyThere} of them from an earlier run`,
    ...(handled.length === 0 ? [] : ['handled by rule:', ...handled]),
    ...(summary.notTaken.length === 0 ? [] : ['not taken:', ...notTakenLines(summary)]),
    ...(more === 0 ? [] : [`  and ${more} more of other names`]),
    '',
  ].join('\n');
}

const notTakenLines = ({ notTaken }: ImportSummary): readonly string[] =>
  notTaken.map(({ what, name, reason, count }) => `  ${count} × ${what}${name === '' ? '' : ` ${name}`}: ${reason}`);

function nothingIn(path: string, summary: ImportSummary): string {
  const why = notTakenLines(summary).slice(0, 10).join('\n');
  const listed = why === '' ? '' : `; not taken:\n${why}`;
  return `expected a recording with episodes, got none in ${summary.rows} rows of ${path}${listed}`;
}

/** `blankRowsLeftOut` → `blank rows left out` */
const spelled = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
