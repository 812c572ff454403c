import { createHash, randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { clipKey } from '../../datasets/camera.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { clipPartKey, clipParts, removeClipParts } from '../../store/records/clip-parts.ts';
import { clipUseKey, clipUseKeys, ownsClip, readClipUse, writeClipUse } from '../../store/records/clip-uses.ts';
import { partSizeOf, type MediaAnswer, type MediaCompletion } from '../protocol/index.ts';
import type { GatewayContext } from './context.ts';
import { eachPiece } from './pieces.ts';
import { WireError } from './wire-error.ts';
import { writeAll } from './write-hashed.ts';

export interface CompleteClipInput {
  readonly robotId: string;
  readonly site: string;
  readonly sha256: string;
  readonly told: MediaCompletion;
}

/** Episodes and cameras of one robot that one clip may be of: more equal clips come from no camera. */
const mostUses = 64;
/** What was written is brought to the disk in steps of so many parts: one sync of a whole clip would hold up everybody's. */
const syncEveryParts = 4;

type Ports = Pick<GatewayContext, 'store' | 'scratchDirectory' | 'clips' | 'clock'>;

/** Whether the robot brought this clip, and it is there. Of others' clips nobody learns anything by it. */
export const isClipOfRobot = async (store: ObjectStore, robotId: string, sha256: string): Promise<boolean> =>
  (await ownsClip(store, robotId, sha256)) && isThere(store, sha256);

const isThere = async (store: ObjectStore, sha256: string): Promise<boolean> =>
  (await store.get(clipKey(sha256), { start: 0, end: 0 })) !== undefined;

/**
 * Puts the parts of a clip together, proves that the whole is what its name says, and makes it visible, after the record of whose it is: no
 * clip is without an owner, wherever a gateway dies. Then the parts go. Idempotent by (robot, clip, episode, camera); several gateways may
 * do it at once.
 */
export const completeClip =
  (ports: Ports) =>
  async (input: CompleteClipInput): Promise<MediaAnswer> => {
    const { robotId, sha256, told } = input;
    const { clips } = ports;
    return clips.complete(`${robotId}/${sha256}`, told.sizeBytes, async () => {
      const again = await useAgain(ports, input);
      if (again !== undefined) return again;
      try {
        const outcome = await proveAndPublish(ports, input);
        await removeClipParts(ports.store, robotId, sha256);
        return { sha256, sizeBytes: told.sizeBytes, outcome };
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        // Another gateway may have finished it meanwhile, and taken the parts away.
        const done = error.type === 'mediaIncomplete' ? await useAgain(ports, input) : undefined;
        if (done !== undefined) return done;
        if (error.type === 'mediaMismatch') await removeClipParts(ports.store, robotId, sha256);
        throw error;
      } finally {
        clips.unfinished.end(robotId, sha256);
      }
    });
  };

/** The clip is there as this robot's: notes another episode or camera it is of. */
async function useAgain({ store, clock }: Ports, input: CompleteClipInput): Promise<MediaAnswer | undefined> {
  const { robotId, sha256, told } = input;
  const known = await clipUseKeys(store, robotId, sha256, mostUses);
  const first =
    known[0] === undefined || !(await isThere(store, sha256)) ? undefined : await readClipUse(store, known[0]);
  if (first === undefined) return undefined;
  if (first.sizeBytes !== told.sizeBytes)
    throw new WireError('conflict', `expected the clip's ${first.sizeBytes} bytes, got ${told.sizeBytes}`);
  const use = useOf(input, clock());
  if (known.length >= mostUses && !known.includes(clipUseKey(use)))
    throw new WireError('conflict', `expected a clip of at most ${mostUses} episodes and cameras, got one more`);
  await writeClipUse(store, use);
  await removeClipParts(store, robotId, sha256);
  return { sha256, sizeBytes: told.sizeBytes, outcome: 'alreadyStored' };
}

const useOf = ({ robotId, site, sha256, told }: CompleteClipInput, receivedAtMs: number) => {
  const { camera, episodeId, sizeBytes, startedAtUs } = told;
  return { robotId, site, sha256, episodeId, camera, sizeBytes, startedAtUs, receivedAtMs };
};

async function proveAndPublish(ports: Ports, input: CompleteClipInput): Promise<'stored'> {
  const { store, clips, clock, scratchDirectory } = ports;
  const { robotId, sha256, told } = input;
  checkSizes(await clipParts(store, robotId, sha256), told);
  await clips.checkRoom(told.sizeBytes);
  const filePath = join(scratchDirectory, `clip-${randomUUID()}`);
  try {
    const found = await putTogether(ports, input, filePath);
    if (found !== sha256) throw mismatch(`expected all parts to have sha256 ${sha256}, got ${found}`);
    await clips.writes.run(async () => {
      await writeClipUse(store, useOf(input, clock()));
      await store.putIfAbsent(clipKey(sha256), { filePath });
    });
    return 'stored';
  } finally {
    await rm(filePath, { force: true });
  }
}

const namedParts = 20;

function checkSizes(there: ReadonlyMap<number, number>, { sizeBytes, parts }: MediaCompletion): void {
  for (const [part, found] of there)
    if (found !== partSizeOf(sizeBytes, part))
      throw mismatch(`expected part ${part} of ${partSizeOf(sizeBytes, part)} bytes, got ${found}`);
  const missing = Array.from({ length: parts }, (_, part) => part).filter((part) => !there.has(part));
  if (missing.length > 0) throw incomplete(missing);
}

/** Writes the parts one after the other, never more than one in memory; the digest of all of them. */
async function putTogether(
  { store, clips }: Ports,
  { robotId, sha256, told: { sizeBytes, parts } }: CompleteClipInput,
  filePath: string,
): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(filePath, 'wx', 0o600);
  try {
    for (let part = 0; part < parts; part += 1) {
      const bytes = await store.get(clipPartKey(robotId, sha256, part));
      if (bytes === undefined) throw incomplete([part]);
      if (bytes.byteLength !== partSizeOf(sizeBytes, part))
        throw mismatch(`expected part ${part} of ${partSizeOf(sizeBytes, part)} bytes, got ${bytes.byteLength}`);
      await eachPiece(bytes, async (piece) => {
        hash.update(piece);
        await clips.disk.run(() => writeAll(handle, piece));
      });
      if (part % syncEveryParts === syncEveryParts - 1) await clips.writes.run(() => handle.datasync());
    }
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

const incomplete = (missing: readonly number[]): WireError =>
  new WireError(
    'mediaIncomplete',
    `expected all parts of the clip, got none of number ${missing.slice(0, namedParts).join(', ')}${missing.length > namedParts ? ' and more' : ''}`,
  );

const mismatch = (what: string): WireError =>
  new WireError('mediaMismatch', `${what}; the parts are removed: send the clip anew`);
