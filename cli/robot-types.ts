import type { Command } from 'commander';

import { bodyMap, type BodyMap, type BodyMapInput, type BodyRefusal } from '../datasets/bodies/body-map.ts';
import { builtInRobotTypes } from '../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../datasets/robot-type-digest.ts';
import { diffRobotTypes } from '../datasets/robot-type-diff.ts';
import { robotTypeName, robotTypeSchema, type RobotType } from '../datasets/robot-type.ts';
import { readSoundJson } from '../store/damaged-objects.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { listRobotTypes } from '../store/records/robot-types.ts';
import { addRobotType } from './add-robot-type.ts';
import { openContext, openNewContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { registerInferCommand } from './infer-command.ts';
import { printJson, printTable, say } from './print.ts';
import { printable } from './printable.ts';
import { checkRobotTypeFile, findFollowed, findRobotType, knownVersions } from './robot-type-file.ts';
import { printDiff, printProblems, printReading, printRobotType } from './robot-type-views.ts';

interface Printed {
  readonly json: boolean;
}

/** `flywheel robot-types …`: what kinds of robots there are, and adding one without code. */
export function registerRobotTypeCommands(program: Command): void {
  const types = program.command('robot-types').description('types of robots: their observations and actions');
  const command = (name: string, description: string): Command =>
    types.command(name).description(description).option('--json', 'as JSON', false);

  command('add', 'add a robot type; a published version never changes')
    .argument('<file>', 'its JSON document; docs/robot-types.md has an example')
    .action(add);

  command('check', 'list every problem of a document, and store nothing')
    .argument('<file>', 'a JSON document')
    .option('--follows <file>', 'document of the version that it follows, if the store does not have it')
    .action(async (file: string, { json, follows }: Printed & { readonly follows?: string }) => {
      const check = await checkRobotTypeFile(file, findFollowed(openStore, follows));
      const { type, problems, problemsNotListed } = check;
      if (type === undefined) process.exitCode = exitCodes.no;
      const digest = type && robotTypeDigest(type);
      if (json) return printJson({ file, isSound: type !== undefined, digest, problems, problemsNotListed });
      if (type === undefined) return printProblems(file, check);
      say(`${file}: ${robotTypeName(type)} is sound`);
    });

  registerInferCommand(command);

  command('list', 'list all versions in the store, and the built-in ones').action(async ({ json }: Printed) => {
    const rows = await rowsOf((await openContext()).store);
    if (json) return printJson(rows);
    printTable(
      ['robot type', 'features', 'actions', 'from', 'description'],
      rows.map((row) => [row.name, row.features, row.actions, row.from, row.description.slice(0, 60)]),
    );
  });

  command('show', 'show one robot type')
    .argument('<id@version>', 'its name, or a file')
    .action(async (nameOrFile: string, { json }: Printed) => {
      const type = await findRobotType(openStore, nameOrFile);
      if (json) return printJson({ ...type, digest: robotTypeDigest(type) });
      printRobotType(type);
    });

  command('diff', 'show how two robot types differ, and which version step that requires')
    .argument('<from>', 'id@version, or a file')
    .argument('<to>', 'id@version, or a file')
    .action(async (from: string, to: string, { json }: Printed) => {
      const types = { from: await findRobotType(openStore, from), to: await findRobotType(openStore, to) };
      const diff = diffRobotTypes(types.from, types.to);
      const reading = await readingOf(types);
      if (json) return printJson(reading === undefined ? diff : { ...diff, reading });
      printDiff(diff);
      if (reading !== undefined) printReading(types, reading);
    });
}

/** How the data of the one is read as the other's; undefined where they are two types. */
async function readingOf(types: Omit<BodyMapInput, 'chain'>): Promise<BodyMap | BodyRefusal | undefined> {
  const { id } = types.from;
  if (id !== types.to.id) return undefined;
  const given = [types.from.version, types.to.version];
  const known = await knownVersions(openStore, id);
  return bodyMap({ ...types, chain: known.filter(({ version }) => !given.includes(version)) });
}

const openStore = async (): Promise<ObjectStore> => (await openContext()).store;

async function add(file: string, { json }: Printed): Promise<void> {
  const check = await checkRobotTypeFile(file, findFollowed(openStore));
  const { type } = check;
  if (type === undefined) {
    process.exitCode = exitCodes.wrong;
    if (json) return printJson({ outcome: 'unsound', ...check });
    printProblems(file, check);
    return say('nothing was added');
  }
  const { store } = await openNewContext();
  const name = robotTypeName(type);
  const outcome = await addRobotType(store, type);
  if (outcome !== 'added' && outcome !== 'known') {
    process.exitCode = exitCodes.no;
    if (json) return printJson({ outcome: 'otherContent', robotType: name, diff: outcome });
    printDiff(outcome);
    return say(
      `nothing was added: ${name} exists with other content; give the document version ${type.version + 1} or more`,
    );
  }
  const before = await versionBefore(store, type);
  const diff = before && diffRobotTypes(before, type);
  if (json) return printJson({ outcome, robotType: name, digest: robotTypeDigest(type), diff });
  say(outcome === 'added' ? `${name} is added` : `${name} exists already with the same content`);
  if (diff !== undefined) printDiff(diff);
}

/** The newest version of the type below this one that can be read. */
async function versionBefore(store: ObjectStore, { id, version }: RobotType): Promise<RobotType | undefined> {
  const older = (await listRobotTypes(store, id)).filter((known) => known.version < version);
  for (const { key } of older.toReversed()) {
    const type = await readSoundJson(store, key, robotTypeSchema, () => undefined);
    if (type !== undefined) return type;
  }
  return undefined;
}

interface Row {
  readonly name: string;
  readonly features: number;
  readonly actions: string;
  readonly from: 'store' | 'project';
  readonly digest: string;
  readonly description: string;
}

async function rowsOf(store: ObjectStore): Promise<readonly Row[]> {
  const rows = new Map<string, Row>();
  const row = (type: RobotType, from: Row['from']): void => {
    const { observations, actions, description } = type;
    const digest = robotTypeDigest(type);
    const name = robotTypeName(type);
    rows.set(name, { name, features: observations.length, actions: actions.kind, from, digest, description });
  };
  for (const type of builtInRobotTypes) row(type, 'project');
  for (const { key } of await listRobotTypes(store)) {
    const damaged = ({ why }: { readonly why: string }): void =>
      void process.stderr.write(`flywheel: ${printable(key)} is damaged and was skipped: ${printable(why)}\n`);
    const type = await readSoundJson(store, key, robotTypeSchema, damaged);
    if (type !== undefined) row(type, 'store');
  }
  return [...rows.values()];
}
