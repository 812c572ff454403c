import { createHash } from 'node:crypto';

import { z } from 'zod';

import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { modelFile, signedManifestSchema, type ModelManifest } from '../../policies/model-manifest.ts';
import {
  bodiesFile,
  versionBodiesProblems,
  versionBodiesSchema,
  type BodyReference,
  type VersionBodies,
} from '../../policies/version-bodies.ts';
import { appendOnce, readLog } from '../append-log.ts';
import type { Clock } from '../clock.ts';
import { failure, isFailure } from '../failures.ts';
import { readJson } from '../json-objects.ts';
import type { ObjectStore } from '../object-store.ts';

/** A body that a registered version lists. */
export interface ListedBody {
  readonly robotType: BodyReference;
  readonly standing: 'proven' | 'unproven';
  readonly heldOutEpisodes: number;
}

/**
 * The bodies of a version, as its signed manifest pins them; the robot type of the manifest alone where it has no such file.
 * `CorruptData` for a file that is none, or not the one that was signed.
 */
export async function readVersionBodies(
  store: ObjectStore,
  { policy, version, robotType, files }: Pick<ModelManifest, 'policy' | 'version' | 'robotType' | 'files'>,
): Promise<VersionBodies | undefined> {
  const entry = files[bodiesFile];
  if (entry === undefined) return undefined;
  const key = modelFile(policy, version, bodiesFile);
  const bytes = await store.get(key);
  const sha256 = bytes === undefined ? 'no file' : createHash('sha256').update(bytes).digest('hex');
  if (bytes === undefined || sha256 !== entry.sha256)
    throw failure('CorruptData', `expected the bodies with sha256 ${entry.sha256}, got ${sha256}`, {
      coordinates: { key },
    });
  const parsed = versionBodiesSchema.safeParse(jsonOf(bytes));
  const problem = parsed.success ? versionBodiesProblems(parsed.data, robotType)[0] : 'expected bodies of a version';
  if (parsed.success && problem === undefined) return parsed.data;
  throw failure('CorruptData', problem ?? 'expected bodies of a version', { coordinates: { key } });
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** What a version serves; undefined for one that nobody registered, or whose manifest or bodies are damaged. */
export async function listedBodies(
  store: ObjectStore,
  policy: string,
  version: string,
): Promise<readonly ListedBody[] | undefined> {
  try {
    const signed = await readJson(store, modelFile(policy, version, 'manifest.json'), signedManifestSchema);
    if (signed === undefined) return undefined;
    const { manifest } = signed;
    const bodies = await readVersionBodies(store, manifest);
    return bodies?.bodies ?? [{ robotType: manifest.robotType, standing: 'proven', heldOutEpisodes: 0 }];
  } catch (error) {
    if (isFailure(error, 'CorruptData')) return undefined;
    throw error;
  }
}

/**
 * One entry of `registry/<policy>/served/<seq>.json`: a person lets a version have a body, proven on it or not, or takes it away; or a trial found
 * (`withhold`) that no robot of a body runs the version before everybody gets it, so that a person has to let it have the body.
 */
const serveRecordSchema = z.strictObject({
  kind: z.enum(['serve', 'revoke', 'withhold']),
  version: z.string(),
  robotType: z.strictObject({ id: z.string(), version: z.int().min(1) }),
  atMs: z.int(),
  who: z.string().min(1).max(200),
  why: z.string().min(1).max(500),
});
export type ServeRecord = z.infer<typeof serveRecordSchema>;

export const serveLog = (policy: string): string => `registry/${policy}/served`;

/** Every word of a person, oldest first, those after record `after` only. */
export const readServeRecords = (store: ObjectStore, policy: string, after?: number) =>
  readLog(store, serveLog(policy), serveRecordSchema, after);

const approvalKey = (version: string, body: Pick<RobotType, 'id' | 'version'>): string =>
  `${version} ${robotTypeName(body)}`;

/** What people said last, by `<version> <id>@<version>`. */
export type LastWords = ReadonlyMap<string, ServeRecord['kind']>;

export const lastWords = (records: readonly ServeRecord[]): LastWords =>
  new Map(records.map(({ kind, version, robotType }) => [approvalKey(version, robotType), kind]));

/** Whether robots of a body may have the version: a person's last word, else what it is proven on. Never a body that it does not list. */
export const isServed = (words: LastWords, version: string, listed: ListedBody | undefined): boolean =>
  listed !== undefined && (lastWord(words, version, listed.robotType) ?? wordOf(listed)) === 'serve';

/** What was said last of a version and a body; undefined where nobody said anything. `withhold`: a trial did, and no person since. */
export const lastWord = (words: LastWords, version: string, body: Pick<RobotType, 'id' | 'version'>) =>
  words.get(approvalKey(version, body));

/** What holds without a person. */
const wordOf = ({ standing }: Pick<ListedBody, 'standing'>): PersonsWord =>
  standing === 'proven' ? 'serve' : 'revoke';

type PersonsWord = Exclude<ServeRecord['kind'], 'withhold'>;

export interface ApproveBodyInput {
  readonly policy: string;
  readonly version: string;
  readonly robotType: Pick<RobotType, 'id' | 'version'>;
  readonly who: string;
  readonly why: string;
}

/**
 * Lets robots of a body have a version that lists it as `unproven`; with `revoke`, not any more, also where it is `proven`. Appends nothing when it is so
 * already. `NotFound` for a version that nobody registered, `InvalidInput` for a body that it does not list, or is proven on.
 */
export async function approveBody(
  ports: { readonly store: ObjectStore; readonly clock: Clock },
  { policy, version, robotType, who, why }: ApproveBodyInput,
  kind: PersonsWord = 'serve',
): Promise<ServeRecord> {
  const listed = await listedBodies(ports.store, policy, version);
  const coordinates = { policy, version };
  if (listed === undefined)
    throw failure('NotFound', `version ${version} of policy ${policy} is not registered, or damaged`, { coordinates });
  const body = listed.find((each) => robotTypeName(each.robotType) === robotTypeName(robotType));
  if (body === undefined)
    throw failure(
      'InvalidInput',
      `expected a body that ${version} lists (${listed.map((each) => robotTypeName(each.robotType)).join(', ')}), got ${robotTypeName(robotType)}`,
      { coordinates },
    );
  return appendOnce(ports.store, serveLog(policy), serveRecordSchema, (earlier) => {
    const last = earlier
      .map(({ record }) => record)
      .findLast((each) => approvalKey(each.version, each.robotType) === approvalKey(version, robotType));
    const isSo = (last?.kind ?? wordOf(body)) === kind;
    if (isSo && last !== undefined) return { found: last };
    if (isSo && kind === 'serve')
      throw failure('InvalidInput', `${version} is proven on ${robotTypeName(robotType)}, so it needs no approval`, {
        coordinates,
      });
    if (isSo)
      throw failure('Conflict', `expected an approval to withdraw, got none for ${robotTypeName(robotType)}`, {
        coordinates,
      });
    const { id, version: number } = robotType;
    return { append: { kind, version, robotType: { id, version: number }, atMs: ports.clock(), who, why } };
  });
}

/**
 * Withholds a version from a body, proven on it or not, until a person lets it have the body. Appends nothing where somebody said anything about the
 * two before: a person's word holds.
 */
export async function withholdBody(
  { store }: { readonly store: ObjectStore },
  { policy, version, robotType: { id, version: number }, atMs, who, why }: ApproveBodyInput & { readonly atMs: number },
): Promise<void> {
  const robotType = { id, version: number };
  const key = approvalKey(version, robotType);
  await appendOnce(store, serveLog(policy), serveRecordSchema, (earlier) => {
    const said = earlier
      .map(({ record }) => record)
      .findLast((each) => approvalKey(each.version, each.robotType) === key);
    if (said !== undefined) return { found: said };
    return { append: { kind: 'withhold' as const, version, robotType, atMs, who, why } };
  });
}
