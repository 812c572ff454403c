import { Readable } from 'node:stream';

import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { cleanText } from '../../domain/clean-text.ts';
import { isOrderRefusal } from '../../domain/trust/order-refusals.ts';
import {
  desiredAnswerSchema,
  desiredQuerySchema,
  errorAnswerSchema,
  etagMatches,
  handshakeAnswerSchema,
  handshakeRequestSchema,
  heartbeatAnswerSchema,
  heartbeatRequestSchema,
  installAnswerSchema,
  installReportSchema,
  segmentAnswerSchema,
  segmentContentType,
  signedDesiredSchema,
  telemetryAnswerSchema,
  telemetryEnvelopeSchema,
  wireHeaders,
  wireLimits,
  type HandshakeRequest,
  type TelemetryAnswer,
} from '../protocol/index.ts';
import type { RobotRecord } from '../desk/robots.ts';
import { addressShare } from './addresses.ts';
import type { GatewayContext } from './context.ts';
import { receiveSegment } from './receive-segment.ts';
import { robotAgain, robotOf } from './request-robot.ts';
import { sortEntries } from './sort-entries.ts';
import { WireError } from './wire-error.ts';

const errors = { '4xx': errorAnswerSchema, '5xx': errorAnswerSchema };
const security = [{ robotToken: [] }];
const params = z.object({ id: z.string() });

/** What a robot asks and tells about itself. Every path is guarded by the token of the robot it names. */
export const robotRoutes =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    const { clock, settings, presence, metrics } = context;
    const receive = receiveSegment(context);

    app.route({
      method: 'POST',
      url: '/v1/robots/:id/handshake',
      schema: {
        summary: 'Begin a life of an agent',
        params,
        body: handshakeRequestSchema,
        response: { 200: handshakeAnswerSchema, ...errors },
        security,
      },
      handler: async (request) => {
        const robot = robotOf(request);
        await checkAgreement(context, robot, request.body);
        presence.see(robot, { installedVersion: request.body.installedVersion });
        return {
          protocolVersion: wireLimits.protocolVersion,
          gatewayId: settings.gatewayId,
          clockMs: clock(),
          robotId: robot.robotId,
          policy: robot.policy,
          site: robot.site,
          heartbeatEveryMs: settings.heartbeatEveryMs,
          longPollMs: settings.longPollMs,
        };
      },
    });

    app.route({
      method: 'POST',
      url: '/v1/robots/:id/heartbeat',
      schema: {
        summary: 'Say that the robot lives, and what it runs',
        params,
        body: heartbeatRequestSchema,
        response: { 200: heartbeatAnswerSchema, ...errors },
        security,
      },
      handler: async (request) => {
        const { installedVersion, assignmentSeq, isBusy, droppedEpisodes } = request.body;
        presence.see(robotOf(request), { installedVersion, assignmentSeq, isBusy, droppedEpisodes });
        return { clockMs: clock() };
      },
    });

    app.route({
      method: 'POST',
      url: '/v1/robots/:id/telemetry',
      schema: {
        summary: 'Report outcomes and events; answered when they are stored',
        params,
        body: telemetryEnvelopeSchema,
        response: { 200: telemetryAnswerSchema, ...errors },
        security,
      },
      handler: async (request, reply) => {
        const { refused, ...answer } = await takeTelemetry(context, robotOf(request), request.body);
        if (refused > 0) void reply.header(wireHeaders.refusedEntries, refused);
        return answer;
      },
    });

    app.route({
      method: 'POST',
      url: '/v1/robots/:id/install-report',
      schema: {
        summary: 'Report an install, a refusal, a fall-back',
        params,
        body: installReportSchema,
        response: { 200: installAnswerSchema, ...errors },
        security,
      },
      handler: async (request) => {
        const { robotId, policy } = robotOf(request);
        const { gatewayId } = settings;
        context.quotas.take(robotId, { installReports: 1 });
        const report = { ...request.body, detail: cleanText(request.body.detail) };
        const record = { robotId, gatewayId, receivedMs: clock(), report };
        const { outcome, reason } = report;
        metrics.count('flywheel_gateway_install_reports_total', { outcome });
        if (isOrderRefusal(reason)) metrics.count('flywheel_gateway_orders_refused_total', { reason });
        return { seq: await context.installs(policy).append(record) };
      },
    });

    app.route({
      method: 'GET',
      url: '/v1/robots/:id/desired',
      schema: {
        summary: 'What the robot should run; with If-None-Match it waits for something new',
        params,
        querystring: desiredQuerySchema,
        response: {
          200: z.union([desiredAnswerSchema, signedDesiredSchema]),
          304: z.null().describe('Nothing new; no body'),
          ...errors,
        },
        security,
      },
      handler: async (request, reply) => {
        const robot = robotOf(request);
        const held = request.headers['if-none-match'];
        const form = request.headers[wireHeaders.orders] === 'signed' ? 'signed' : 'plain';
        let body = await context.desired.now(robot, form);
        if (etagMatches(held, body.etag)) {
          presence.see(robot, { deliveredSeq: body.seq });
          const gone = new AbortController();
          reply.raw.once('close', () => gone.abort());
          const stop = AbortSignal.any([context.stopping.signal, gone.signal]);
          const waitMs = Math.min(request.query.waitMs, settings.longPollMs);
          let isRobotChanged = false;
          const unlisten = context.robotChanges.listen(robot.robotId, () => {
            isRobotChanged = true;
            gone.abort();
          });
          body = await context.desired.whenChanged(robot, form, { etag: body.etag, waitMs, stop }).finally(unlisten);
          if (isRobotChanged) await robotAgain(request);
        }
        void reply.header('etag', body.etag).header('cache-control', 'no-store');
        if (body.leaseRemainingMs !== null)
          void reply.header(wireHeaders.leaseRemainingMs, Math.max(0, Math.floor(body.leaseRemainingMs)));
        if (body.seal !== undefined) void reply.header(wireHeaders.seal, body.seal);
        const updateWindow = context.watch.windows.header(robot.site, clock());
        if (updateWindow !== undefined) void reply.header(wireHeaders.updateWindow, updateWindow);
        const rootVersion = context.watch.roots.newest();
        if (rootVersion > 0) void reply.header(wireHeaders.rootVersion, rootVersion);
        if (etagMatches(held, body.etag)) return (reply as FastifyReply).code(304).send();
        void reply.raw.once('finish', () => presence.see(robot));
        return (reply as FastifyReply).type('application/json; charset=utf-8').send(body.text);
      },
    });

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

/** Stores what is good of a batch, each entry for itself. */
async function takeTelemetry(
  { clock, entryRates, robotTypes, quotas, telemetry, metrics, log }: GatewayContext,
  robot: RobotRecord,
  batch: z.infer<typeof telemetryEnvelopeSchema>,
): Promise<TelemetryAnswer & { readonly refused: number }> {
  const { robotId, policy } = robot;
  entryRates.take(robotId, batch.entries.length);
  const { tasks } = await robotTypes.of(robot);
  const { taken, refused, lastSeq } = sortEntries(batch.entries, tasks);
  if (taken.length > 0) {
    const giveBack = quotas.take(robotId, { telemetryEntries: taken.length });
    const line = { ...batch, entries: [...taken], robotId, receivedMs: clock() };
    await telemetry.add(policy, line).catch((error: unknown) => {
      giveBack();
      throw error;
    });
  }
  metrics.count('flywheel_gateway_telemetry_entries_total', {}, taken.length);
  for (const reason of refused) metrics.count('flywheel_gateway_telemetry_refused_total', { reason });
  if (refused.length > 0)
    log.debug({ robotId, refused: refused.length, reasons: [...new Set(refused)] }, 'entries refused');
  return { storedEntries: taken.length, lastSeq, refused: refused.length };
}

function declaredSize(header: string | undefined): number {
  const sizeBytes = /^\d{1,15}$/.test(header ?? '') ? Number(header) : Number.NaN;
  if (!(sizeBytes >= 1)) throw new WireError('malformed', 'expected a content-length of at least 1 byte');
  if (sizeBytes > wireLimits.maxSegmentBytes)
    throw new WireError('tooLarge', `expected at most ${wireLimits.maxSegmentBytes} bytes, got ${sizeBytes}`);
  return sizeBytes;
}

/** A robot of another type, or with another idea of it, would fill the lake with what nobody can read. */
async function checkAgreement(context: GatewayContext, robot: RobotRecord, said: HandshakeRequest): Promise<void> {
  if (said.protocolVersion !== wireLimits.protocolVersion)
    throw new WireError('conflict', `expected protocol ${wireLimits.protocolVersion}, got ${said.protocolVersion}`);
  const { id, version } = robot.robotType;
  if (said.robotType.id !== id || said.robotType.version !== version)
    throw new WireError(
      'conflict',
      `expected robot type ${id}@${version}, got ${said.robotType.id}@${said.robotType.version}`,
    );
  const { digest } = await context.robotTypes.of(robot);
  if (digest !== said.robotType.digest)
    throw new WireError(
      'conflict',
      `expected robot type ${id}@${version} with digest ${digest}, got ${said.robotType.digest}`,
    );
}
