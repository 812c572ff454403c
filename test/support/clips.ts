import { createHash, randomBytes } from 'node:crypto';

import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { clipKey, type Camera } from '../../datasets/camera.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import {
  bearer,
  mediaPartContentType,
  partSizeOf,
  partsOf,
  wireHeaders,
  wireLimits,
  wirePaths,
  type MediaCompletion,
  type MediaState,
} from '../../fleet/protocol/index.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { clipPartsPrefix } from '../../store/records/clip-parts.ts';
import { clipUsesPrefix } from '../../store/records/clip-uses.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { sha256, type TestFleet } from './gateway.ts';

const camera = (name: string, mayLeaveRobot: boolean): Camera => ({
  name,
  width: 64,
  height: 48,
  rateHz: 5,
  colour: 'rgb',
  codec: 'jpeg',
  learned: { width: 32, height: 24 },
  mayLeaveRobot,
});

const seeingVersion = 1_000;
const blindVersion = 1_001;

/** A type like the fleet's own with a camera `front`, and one, `cabin`, whose images may not leave the robot. */
export const seeingType: RobotType = {
  ...scitosG5Type,
  version: seeingVersion,
  cameras: [camera('front', true), camera('back', true), camera('cabin', false)],
};

/** Registers robots with these cameras; their tokens. */
export async function addSeeingRobots(fleet: TestFleet, ...robotIds: readonly string[]): Promise<string[]> {
  await publishRobotType(fleet.store, seeingType);
  return Promise.all(robotIds.map((robotId) => fleet.addRobot(robotId, seeingVersion)));
}

/** A robot with a camera whose images may not leave it; its token. */
export async function addShyRobot(fleet: TestFleet, robotId: string): Promise<string> {
  await publishRobotType(fleet.store, { ...seeingType, version: blindVersion, cameras: [camera('cabin', false)] });
  return fleet.addRobot(robotId, blindVersion);
}

/** What a gateway of a test is told: the machine that runs it may have a small disk. */
export const clipSettings = {
  FLYWHEEL_GATEWAY_CLIP_SLOW_WRITE_MS: '600000',
  FLYWHEEL_GATEWAY_CLIP_FREE_MIB: '0',
  FLYWHEEL_GATEWAY_REQUESTS_PER_SECOND: '100000',
};

export const episodeId = (number: number): string => `01J${String(number).padStart(23, '0')}`;

export class TestClip {
  readonly bytes: Buffer;
  readonly sha256: string;

  constructor(bytes: Buffer = randomBytes(wireLimits.partBytes + 1_000)) {
    this.bytes = bytes;
    this.sha256 = sha256(bytes);
  }

  get parts(): readonly number[] {
    return Array.from({ length: partsOf(this.bytes.length) }, (_, part) => part);
  }

  part(part: number): Buffer {
    const start = part * wireLimits.partBytes;
    return this.bytes.subarray(start, start + partSizeOf(this.bytes.length, part));
  }
}

/** Brings clips as one robot does, through whichever gateway. */
export class ClipClient {
  readonly robotId: string;
  readonly #token: string;

  constructor(robotId: string, token: string) {
    this.robotId = robotId;
    this.#token = token;
  }

  ask(url: string, name: string): Promise<Response> {
    return fetch(url + wirePaths.media(this.robotId, name), { headers: { authorization: bearer(this.#token) } });
  }

  async state(url: string, name: string): Promise<MediaState> {
    return (await (await this.ask(url, name)).json()) as MediaState;
  }

  put(
    url: string,
    name: string,
    part: number | string,
    bytes: Uint8Array<ArrayBuffer>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    return fetch(url + wirePaths.mediaPart(this.robotId, name, part as number), {
      method: 'PUT',
      headers: {
        authorization: bearer(this.#token),
        'content-type': mediaPartContentType,
        [wireHeaders.camera]: 'front',
        [wireHeaders.partSha256]: sha256(bytes),
        ...headers,
      },
      body: bytes,
    });
  }

  complete(url: string, clip: TestClip, more: Partial<MediaCompletion> = {}): Promise<Response> {
    const sizeBytes = more.sizeBytes ?? clip.bytes.length;
    return fetch(url + wirePaths.media(this.robotId, clip.sha256), {
      method: 'POST',
      headers: { authorization: bearer(this.#token), 'content-type': 'application/json' },
      body: JSON.stringify({
        sizeBytes,
        parts: partsOf(sizeBytes),
        camera: 'front',
        episodeId: episodeId(1),
        startedAtUs: 1_780_000_000_000_000,
        ...more,
      }),
    });
  }

  /** Brings what is missing, and completes; the status of the first answer that is no success, or of the last. */
  async upload(url: string, clip: TestClip, more: Partial<MediaCompletion> = {}): Promise<number> {
    const asked = await this.ask(url, clip.sha256);
    if (!asked.ok) return statusOf(asked);
    const { outcome, received } = (await asked.json()) as MediaState;
    const missing = outcome === 'stored' ? [] : clip.parts.filter((part) => !received.includes(part));
    for (const part of missing) {
      const put = await statusOf(await this.put(url, clip.sha256, part, Buffer.from(clip.part(part))));
      if (put >= 400) return put;
    }
    return statusOf(await this.complete(url, clip, more));
  }
}

/** The status, once the whole answer was read. */
export async function statusOf(response: Response): Promise<number> {
  await response.arrayBuffer();
  return response.status;
}

/** Everything of clips in a store: whose they are, digests of their bytes by name, and parts. */
export async function clipsIn(store: ObjectStore) {
  const keys = async (prefix: string): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of store.list(prefix)) found.push(key.slice(prefix.length));
    return found;
  };
  const clips = await keys('media/');
  const digests = new Map<string, string>();
  for (const name of clips) {
    const bytes = (await store.get(`media/${name}`)) ?? new Uint8Array();
    digests.set(name, createHash('sha256').update(bytes).digest('hex'));
  }
  const isSound = [...digests].every(([name, digest]) => clipKey(digest) === `media/${name}`);
  return { clips, isSound, uses: await keys(clipUsesPrefix), parts: await keys(clipPartsPrefix) };
}
