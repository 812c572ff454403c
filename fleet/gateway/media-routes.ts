import { Readable } from 'node:stream';

import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { removeClipParts } from '../../store/records/clip-parts.ts';
import type { RobotRecord } from '../desk/robots.ts';
import {
  maxParts,
  mediaAnswerSchema,
  mediaCompletionSchema,
  mediaPartAnswerSchema,
  mediaPartContentType,
  mediaStateSchema,
  sha256Schema,
  wireHeaders,
  wireLimits,
} from '../protocol/index.ts';
import { addressShare } from './addresses.ts';
import { clipState } from './clip-state.ts';
import { completeClip, type CompleteClipInput } from './complete-clip.ts';
import type { GatewayContext } from './context.ts';
import { receivePart, type ReceivePartInput } from './receive-part.ts';
import { robotOf } from './request-robot.ts';
import { errors, security } from './route-schema.ts';
import { WireError } from './wire-error.ts';

const mediaParams = z.object({ id: z.string(), sha256: z.string() });
const partParams = mediaParams.extend({ part: z.string() });

/** Takes the clips of robots' cameras, part by part. */
export const mediaRoutes =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    const takePart = takePartOf(context);
    const takeClip = takeClipOf(context);

    app.route({
      method: 'GET',
      url: '/v1/robots/:id/media/:sha256',
      schema: {
        summary: 'Which parts of a clip are there',
        params: mediaParams,
        response: { 200: mediaStateSchema, ...errors },
        security,
      },
      handler: async (request) =>
        counted(context, async () => {
          await checkSends(context, robotOf(request));
          context.clips.checkTurn();
          return clipState(context.store, robotOf(request).robotId, request.params.sha256);
        }),
    });

    app.route({
      method: 'PUT',
      url: '/v1/robots/:id/media/:sha256/parts/:part',
      schema: {
        summary: 'Upload a part of a clip',
        params: partParams,
        consumes: [mediaPartContentType],
        response: { 200: mediaPartAnswerSchema, 201: mediaPartAnswerSchema, ...errors },
        security,
      },
      handler: async (request, reply) => {
        const { sha256 } = request.params;
        const part = partNumber(request.params.part);
        const outcome = await counted(context, async () => {
          const { headers, body } = request;
          await checkSends(context, robotOf(request), cameraOf(headers[wireHeaders.camera]));
          const sizeBytes = declaredSize(headers['content-length']);
          const partSha256 = sha256Schema.safeParse(headers[wireHeaders.partSha256]).data;
          if (partSha256 === undefined)
            throw new WireError('malformed', `expected a sha256 in the header ${wireHeaders.partSha256}`);
          if (!(body instanceof Readable))
            throw new WireError('malformed', `expected a body of ${mediaPartContentType}`);
          const { robotId } = robotOf(request);
          const address = addressShare(request.ip);
          return takePart({ robotId, address, sha256, part, partSha256, sizeBytes, body });
        });
        return reply.code(outcome === 'stored' ? 201 : 200).send({ sha256, part, outcome });
      },
    });

    app.route({
      method: 'POST',
      url: '/v1/robots/:id/media/:sha256',
      schema: {
        summary: 'Complete a clip whose parts are there',
        params: mediaParams,
        body: mediaCompletionSchema,
        response: { 200: mediaAnswerSchema, 201: mediaAnswerSchema, ...errors },
        security,
      },
      handler: async (request, reply) => {
        const { sha256 } = request.params;
        const answer = await counted(context, () => takeClip(robotOf(request), sha256, request.body));
        return reply.code(answer.outcome === 'stored' ? 201 : 200).send(answer);
      },
    });
  };

/** Receives a part within the robot's quota; what was not new costs nothing of it. */
function takePartOf(context: GatewayContext) {
  const { quotas, metrics } = context;
  const receive = receivePart(context);
  return async (input: ReceivePartInput): Promise<'stored' | 'alreadyStored'> => {
    const giveBack = quotas.take(input.robotId, { clipBytes: input.sizeBytes });
    let isNew = false;
    try {
      const outcome = await receive(input);
      isNew = outcome === 'stored';
      metrics.count('flywheel_gateway_clip_parts_total', { outcome });
      if (isNew) metrics.count('flywheel_gateway_clip_bytes_total', {}, input.sizeBytes);
      return outcome;
    } finally {
      if (!isNew) giveBack();
    }
  };
}

/** Completes a clip that may leave the robot and was not erased; of one that may not, nothing stays. */
function takeClipOf(context: GatewayContext) {
  const { quotas, metrics, clips, store } = context;
  const complete = completeClip(context);
  return async (robot: RobotRecord, sha256: string, told: CompleteClipInput['told']) => {
    const { robotId, site } = robot;
    const giveBack = quotas.take(robotId, { clips: 1 });
    let isNew = false;
    try {
      await checkSends(context, robot, told.camera);
      const { episodeId, startedAtUs } = told;
      if (await clips.wasErased({ robotId, site, sha256, episodeId, startedAtUs }))
        throw new WireError('mediaRefused', 'this clip was erased on request, and is not taken again');
      const answer = await complete({ robotId, site, sha256, told });
      isNew = answer.outcome === 'stored';
      metrics.count('flywheel_gateway_clips_total', { outcome: answer.outcome });
      return answer;
    } catch (error) {
      if (error instanceof WireError && error.type === 'mediaRefused') await removeClipParts(store, robotId, sha256);
      throw error;
    } finally {
      if (!isNew) giveBack();
    }
  };
}

/** Refuses images that may not leave the robot: by its type, of that camera; of any when none is named. */
async function checkSends({ robotTypes }: GatewayContext, robot: RobotRecord, camera?: string): Promise<void> {
  const { sendingCameras } = await robotTypes.of(robot);
  if (camera === undefined ? sendingCameras.size > 0 : sendingCameras.has(camera)) return;
  const { id, version } = robot.robotType;
  const known = sendingCameras.size === 0 ? 'it has none' : `it has ${[...sendingCameras].join(', ')}`;
  throw new WireError(
    'mediaRefused',
    `expected a camera of ${id}@${version} whose images may leave the robot (${known}), got ${JSON.stringify((camera ?? 'none').slice(0, 64))}`,
  );
}

/** Counts what is refused, by reason. */
async function counted<Result>({ metrics }: GatewayContext, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WireError) metrics.count('flywheel_gateway_clips_refused_total', { reason: error.type });
    throw error;
  }
}

function cameraOf(header: string | string[] | undefined): string {
  if (typeof header === 'string') return header;
  throw new WireError('malformed', `expected the name of the camera in the header ${wireHeaders.camera}`);
}

function partNumber(text: string): number {
  const part = /^(?:0|[1-9]\d{0,5})$/.test(text) ? Number(text) : Number.NaN;
  if (part < maxParts) return part;
  throw new WireError('malformed', `expected the number of a part, 0 to ${maxParts - 1}`);
}

function declaredSize(header: string | undefined): number {
  const sizeBytes = /^\d{1,15}$/.test(header ?? '') ? Number(header) : Number.NaN;
  if (!(sizeBytes >= 1)) throw new WireError('malformed', 'expected a content-length of at least 1 byte');
  if (sizeBytes > wireLimits.partBytes)
    throw new WireError('tooLarge', `expected at most ${wireLimits.partBytes} bytes, got ${sizeBytes}`);
  return sizeBytes;
}
