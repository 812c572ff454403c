import { Readable } from 'node:stream';

import type { FastifyReply } from 'fastify';
import { z } from 'zod';

import { readClipState } from '../../activities/media/clip-state.ts';
import { cameraNameSchema, clipKey } from '../../datasets/camera.ts';
import { ClipError } from '../../datasets/media/clip-format.ts';
import { codecText } from '../../datasets/media/codec-text.ts';
import { readClip, type Clip } from '../../datasets/media/read-clip.ts';
import { failure } from '../../store/failures.ts';
import type { ByteRange, ObjectStore } from '../../store/object-store.ts';
import type { ClipName } from '../../store/records/clip-verdicts.ts';
import { requestOperator } from '../access.ts';
import { clipImagesSchema, type ClipImagesAnswer } from '../answers/clips.ts';
import { byteRange } from '../byte-range.ts';
import { ConsoleError, errors } from '../errors.ts';
import { OpenStreams } from '../open-streams.ts';
import { described, episodeName, robotName, security, type Routes } from './shared.ts';

/** Images of a clip that a page is told of: at 15 a second 22 minutes. */
const mostImages = 20_000;
const pieceBytes = 1024 * 1024;

const params = z.object({ episodeId: episodeName, camera: cameraNameSchema });
const querystring = z.object({
  robot: robotName,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected the name of a clip: 64 digits of its SHA-256'),
});

/** Clips of cameras: where the images of one lie, and its bytes. */
export const clipRoutes: Routes = (context) => async (app) => {
  const { store, clock } = context;
  const streams = new OpenStreams();

  app.route({
    method: 'GET',
    url: '/api/v1/episodes/:episodeId/clips/:camera/images',
    schema: {
      params,
      querystring,
      ...described(
        `Where the images of a clip lie in its file and when each was recorded; of at most ${mostImages} images`,
        clipImagesSchema,
      ),
    },
    handler: async ({ params: of, query: { robot: robotId, sha256 } }) => {
      const sizeBytes = await requireClip(store, { ...of, robotId, sha256 });
      const read = (start: number, end: number): Promise<Uint8Array> => requirePart(store, sha256, { start, end });
      const told = await readClip({ sizeBytes, read }).then(imagesOf, unreadable);
      return { readAtMs: clock(), ...told };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/episodes/:episodeId/clips/:camera',
    schema: {
      params,
      querystring,
      summary: 'The bytes of a clip, an MP4 file; `Range` asks for a part of them',
      security,
      produces: ['video/mp4'],
      response: { '2xx': z.unknown().describe('bytes'), ...errors },
    },
    handler: async (request, reply) => {
      const { name } = requestOperator(request);
      const { robot: robotId, sha256 } = request.query;
      const sizeBytes = await requireClip(store, { ...request.params, robotId, sha256 });
      const range = byteRange(request.headers.range, sizeBytes);
      if (range === 'outside') return refuseRange(reply, sizeBytes);
      const { start, end } = range === 'whole' ? { start: 0, end: sizeBytes } : range;
      streams.require(name);
      const bytes = streams.hold(name, Readable.from(piecesOf(store, sha256, { start, end }), { objectMode: false }));
      if (range !== 'whole') void reply.code(206).header('content-range', `bytes ${start}-${end - 1}/${sizeBytes}`);
      return reply
        .type('video/mp4')
        .headers({ 'accept-ranges': 'bytes', 'content-length': end - start })
        .send(bytes);
    },
  });
};

/** The size of a clip that may be shown. */
async function requireClip(store: ObjectStore, name: ClipName): Promise<number> {
  const state = await readClipState(store, name);
  if ('sizeBytes' in state) return state.sizeBytes;
  throw new ConsoleError('notFound', `expected a clip of the episode that can be shown, got one that is ${state.kind}`);
}

/** It may be deleted meanwhile. */
async function requirePart(store: ObjectStore, sha256: string, range: ByteRange): Promise<Uint8Array> {
  const bytes = await store.get(clipKey(sha256), range);
  if (bytes === undefined) throw failure('NotFound', 'the clip was deleted meanwhile');
  return bytes;
}

/** A piece after the other as they are taken, so that of a long clip little is in memory. */
async function* piecesOf(store: ObjectStore, sha256: string, { start, end }: ByteRange): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; at += pieceBytes)
    yield await requirePart(store, sha256, { start: at, end: Math.min(end, at + pieceBytes) });
}

const refuseRange = (reply: FastifyReply, sizeBytes: number): FastifyReply => {
  const message = `expected a range of bytes within the ${sizeBytes} of the clip`;
  void reply.code(416).header('content-range', `bytes */${sizeBytes}`);
  return reply.send({ error: { type: 'malformed', message } });
};

type Told = ClipImagesAnswer extends infer Answer ? (Answer extends unknown ? Omit<Answer, 'readAtMs'> : never) : never;

function imagesOf(clip: Clip): Told {
  const { samples, width, height, configuration } = clip;
  const codec = codecText(clip);
  if (samples.length > mostImages)
    return notShown(`it has ${samples.length} images, and a page shows clips of at most ${mostImages}`);
  if (codec === undefined) return notShown('its file does not say how it is to be decoded');
  return {
    state: 'read',
    codec,
    configuration: configuration === undefined ? null : Buffer.from(configuration).toString('base64'),
    width,
    height,
    atUs: samples.map(({ atUs }) => atUs),
    offsets: samples.map(({ offset }) => offset),
    sizes: samples.map((sample) => sample.sizeBytes),
    keys: samples.flatMap(({ isKey }, index) => (isKey ? [index] : [])),
  };
}

const notShown = (reason: string): Told => ({ state: 'unreadable', reason });

function unreadable(error: unknown): Told {
  if (error instanceof ClipError) return notShown(error.message);
  throw error;
}
