import { lstatSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { z } from 'zod';

import { describeIssues } from '../domain/describe-issues.ts';

/** Settings that a context file may hold: which installation is meant, and nothing else. */
export const contextVariables = [
  'FLYWHEEL_STORE',
  'FLYWHEEL_S3_ENDPOINT',
  'FLYWHEEL_S3_REGION',
  'FLYWHEEL_KEYS',
  'FLYWHEEL_SCRATCH',
  'FLYWHEEL_TEMPORAL_ADDRESS',
  'FLYWHEEL_TEMPORAL_NAMESPACE',
  'FLYWHEEL_QUEUE_PREFIX',
  'FLYWHEEL_DEPLOYMENT',
  'FLYWHEEL_TRIAL_PROFILE',
] as const;
export type ContextVariable = (typeof contextVariables)[number];

const text = z.string().min(1).max(4_096);
const contextSchema = z.strictObject({
  version: z.literal(1),
  writtenBy: text,
  settings: z.partialRecord(z.enum(contextVariables), text),
  /** Of the first files of this kind; `FLYWHEEL_TRIAL_PROFILE` says it now. */
  profile: z.enum(['real', 'compressed']).optional(),
  gatewayUrl: text.optional(),
  uiUrl: text.optional(),
  /** Tokens of the simulated robots. */
  tokensFile: text.optional(),
  logsDirectory: text.optional(),
});
export type ContextFile = z.infer<typeof contextSchema>;

export const contextFileName = 'context.json';

/**
 * Where a command looks, first one first: what `FLYWHEEL_CONTEXT` names and nothing else, or `.flywheel/` of the working folder and
 * of each folder above it, then the user's config folder.
 */
export function contextPlaces(
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): readonly string[] {
  const named = environment['FLYWHEEL_CONTEXT'];
  if (named !== undefined) return [path.resolve(workingDirectory, named)];
  const places: string[] = [];
  for (let folder = path.resolve(workingDirectory); ; folder = path.dirname(folder)) {
    places.push(path.join(folder, '.flywheel', contextFileName));
    if (path.dirname(folder) === folder) break;
  }
  const user = userContextFile(environment);
  return user === undefined ? places : [...places, user];
}

/** In the user's config folder (`XDG_CONFIG_HOME`, else `~/.config`); undefined where there is neither. */
export function userContextFile(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const home = environment['HOME'];
  const config = environment['XDG_CONFIG_HOME'] || (home === undefined ? undefined : path.join(home, '.config'));
  return config === undefined ? undefined : path.join(config, 'flywheel', contextFileName);
}

/** Reads the first context file there is; throws when it is nobody's to trust or holds something else. */
export function findContextFile(places: readonly string[]): { file: string; context: ContextFile } | undefined {
  const file = places.find((place) => lstatSync(place, { throwIfNoEntry: false }) !== undefined);
  return file === undefined ? undefined : { file, context: readContextFile(file) };
}

/** Whoever can write the file can lead commands to another store: only the user's own (or root's), writable by nobody else. */
function readContextFile(file: string): ContextFile {
  const { uid, mode } = statSync(file);
  const own = process.getuid?.();
  if (own !== undefined && uid !== own && uid !== 0)
    throw new Error(`context ${file}: expected a file of your own, got one of user ${uid}: not used`);
  if ((mode & 0o022) !== 0)
    throw new Error(`context ${file}: expected a file that nobody else can write (chmod 600), got wider rights`);
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Error(`context ${file}: expected JSON, got something else; temporal-dev.sh writes it again`);
  }
  const parsed = contextSchema.safeParse(document);
  if (!parsed.success) throw new Error(`context ${file}: ${describeIssues(parsed.error)}`);
  return parsed.data;
}

/** Replaces the file in one step, readable by its owner only. */
export function writeContextFile(file: string, context: ContextFile): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(context, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}
