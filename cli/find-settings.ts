import { readSettings, resolveStore, type Settings } from '../workers/config.ts';
import {
  contextPlaces,
  contextVariables,
  findContextFile,
  type ContextFile,
  type ContextVariable,
} from './context-file.ts';

export type Origin = 'environment' | 'context file' | 'default';
type Found = NonNullable<ReturnType<typeof findContextFile>>;
type Environment = Readonly<Record<string, string | undefined>>;

export interface FoundSettings {
  readonly settings: Settings;
  /** Where each setting that tells installations apart comes from. */
  readonly origins: Readonly<Record<ContextVariable, Origin>>;
  /** The context file that is used. */
  readonly file?: string;
  readonly context?: ContextFile;
  /** A context file that was found and is not used, and why. */
  readonly leftAside?: string;
  /** Where was looked for one. */
  readonly places: readonly string[];
}

/**
 * The settings of a command: each from the environment, else from the context file of the installation, else its default. An
 * environment that names another store names another installation: the file is left aside then as a whole, because its keys and
 * its server belong to its own store.
 */
export function findSettings(environment: Environment, workingDirectory: string): FoundSettings {
  const places = contextPlaces(environment, workingDirectory);
  const found = findContextFile(places);
  if (found === undefined && environment['FLYWHEEL_CONTEXT'] !== undefined)
    throw new Error(`FLYWHEEL_CONTEXT: expected a context file, got nothing at ${places.join()}`);
  const { used, leftAside } = suited(environment, found);
  return { ...merged(environment, used), ...(leftAside === undefined ? {} : { leftAside }), places };
}

/** The environment with what the context file adds, for processes that read settings of their own. */
export function environmentWithContext(environment: Environment, workingDirectory: string): Environment {
  const { used } = suited(environment, findContextFile(contextPlaces(environment, workingDirectory)));
  return { ...used?.context.settings, ...given(environment) };
}

function suited(environment: Environment, found: Found | undefined): { used?: Found; leftAside?: string } {
  if (found === undefined) return {};
  const wanted = environment['FLYWHEEL_STORE'];
  const theirs = found.context.settings.FLYWHEEL_STORE;
  if (wanted === undefined || (theirs !== undefined && isSameStore(wanted, theirs))) return { used: found };
  return { leftAside: `${found.file} belongs to the store ${theirs ?? 'by default'}, the environment names ${wanted}` };
}

function merged(environment: Environment, found: Found | undefined) {
  const ofFile = found?.context.settings ?? {};
  const origin = (name: ContextVariable): Origin => {
    if (environment[name] !== undefined) return 'environment';
    return ofFile[name] === undefined ? 'default' : 'context file';
  };
  const origins = Object.fromEntries(contextVariables.map((name) => [name, origin(name)])) as Record<
    ContextVariable,
    Origin
  >;
  return { settings: readSettings({ ...ofFile, ...given(environment) }), origins, ...found };
}

const given = (environment: Environment): Environment =>
  Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined));

const isSameStore = (a: string, b: string): boolean => resolveStore(a) === resolveStore(b);

/** Settings that tell installations apart, as the variables that give them; what is empty is left out. */
export function asVariables({
  store,
  keysDirectory,
  scratchDirectory,
  temporal,
  trialProfile,
}: Settings): Readonly<Partial<Record<ContextVariable, string>>> {
  const ofStore =
    store.kind === 'file'
      ? { FLYWHEEL_STORE: store.directory }
      : {
          FLYWHEEL_STORE: `s3://${store.bucket}`,
          FLYWHEEL_S3_REGION: store.region,
          ...(store.endpoint === undefined ? {} : { FLYWHEEL_S3_ENDPOINT: store.endpoint }),
        };
  return {
    ...ofStore,
    FLYWHEEL_KEYS: keysDirectory,
    FLYWHEEL_SCRATCH: scratchDirectory,
    FLYWHEEL_TEMPORAL_ADDRESS: temporal.address,
    FLYWHEEL_TEMPORAL_NAMESPACE: temporal.namespace,
    ...(temporal.queuePrefix === '' ? {} : { FLYWHEEL_QUEUE_PREFIX: temporal.queuePrefix }),
    ...(temporal.deployment === undefined ? {} : { FLYWHEEL_DEPLOYMENT: temporal.deployment }),
    FLYWHEEL_TRIAL_PROFILE: trialProfile,
  };
}
