import { Readable } from 'node:stream';

import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { segmentAnswerSchema, segmentContentType, wireLimits } from '../protocol/index.ts';
import { addressShare } from './addresses.ts';
import type { GatewayContext } from './context.ts';
import { receiveSegment } from './receive-segment.ts';
import { robotOf } from './request-robot.ts';
import { errors, security } from './route-schema.ts';
import { WireError } from './wire-error.ts';

/** Takes the segments of robots. */
export const segmentRoute =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    const { metrics } = context;
    const receive = receiveSegment(context);

    app.route({
      method: 'PUT',
      url: '/v1/robots/:id/segments/:sha256',
      schema: {
        summary: 'Upload a segment: a Parquet file under its own sha256',
        params: z.object({ id: z.string(), sha256: z.string() }),
        consumes: [segmentContentType],
        response: { 200: segmentAnswerSchema, 201: segmentAnswerSchema, ...errors },
        security,
      },
      handler: async (request, reply) => {
        const { robotId } = robotOf(request);
        const sizeBytes = declaredSize(request.headers['content-length']);
        const { body } = request;
        if (!(body instanceof Readable)) throw new WireError('malformed', `expected a body of ${segmentContentType}`);
        const giveBack = context.quotas.take(robotId, { segments: 1, uploadBytes: sizeBytes });
        let isNew = false;
        try {
          const { sha256 } = request.params;
          const answer = await receive({ robotId, address: addressShare(request.ip), sha256, sizeBytes, body });
          isNew = answer.outcome === 'stored';
          metrics.count('flywheel_gateway_segments_total', { outcome: answer.outcome });
          metrics.count('flywheel_gateway_segment_bytes_total', {}, sizeBytes);
          return await reply.code(answer.outcome === 'stored' ? 201 : 200).send(answer);
        } finally {
          if (!isNew) giveBack();
        }
      },
    });
  };

function declaredSize(header: string | undefined): number {
  const sizeBytes = /^\d{1,15}$/.test(header ?? '') ? Number(header) : Number.NaN;
  if (!(sizeBytes >= 1)) throw new WireError('malformed', 'expected a content-length of at least 1 byte');
  if (sizeBytes > wireLimits.maxSegmentBytes)
    throw new WireError('tooLarge', `expected at most ${wireLimits.maxSegmentBytes} bytes, got ${sizeBytes}`);
  return sizeBytes;
}
