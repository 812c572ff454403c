import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';

import { cleanText } from '../../domain/clean-text.ts';
import { isOrderRefusal } from '../../domain/trust/order-refusals.ts';
import {
  installAnswerSchema,
  installReportSchema,
  telemetryAnswerSchema,
  telemetryEnvelopeSchema,
  wireHeaders,
  type TelemetryAnswer,
  type TelemetryEntry,
} from '../protocol/index.ts';
import type { GatewayContext } from './context.ts';
import { robotOf } from './request-robot.ts';
import { errors, params, security } from './route-schema.ts';
import { sortEntries } from './sort-entries.ts';
import { spokenPolicy } from './spoken-policy.ts';

/** What a robot reports: outcomes and events of its episodes, and how installs went. */
export const reportRoutes =
  (context: GatewayContext): FastifyPluginAsyncZod =>
  async (app) => {
    const { clock, settings, metrics } = context;

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
        const { refused, ...answer } = await takeTelemetry(context, request, request.body);
        if (refused > 0) void reply.header(wireHeaders.refusedEntries, refused);
        return answer;
      },
    });

    app.route({
      method: 'POST',
      url: '/v1/robots/:id/install-report',
      schema: {
        summary: 'Report an installation, a refusal or a fallback',
        params,
        body: installReportSchema,
        response: { 200: installAnswerSchema, ...errors },
        security,
      },
      handler: async (request) => {
        const { robotId } = robotOf(request);
        const policy = spokenPolicy(request, robotOf(request));
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
  };

/** Stores what is good of a batch, each entry for itself. */
async function takeTelemetry(
  { clock, entryRates, robotTypes, watch, quotas, telemetry, metrics, log }: GatewayContext,
  request: FastifyRequest,
  batch: z.infer<typeof telemetryEnvelopeSchema>,
): Promise<TelemetryAnswer & { readonly refused: number }> {
  const robot = robotOf(request);
  const { robotId } = robot;
  const policy = spokenPolicy(request, robot);
  entryRates.take(robotId, batch.entries.length);
  const { tasks } = await robotTypes.of(robot);
  const { taken, refused, lastSeq } = sortEntries(batch.entries, watch.tasks.of(policy, tasks).ids);
  if (taken.length > 0) {
    const giveBack = quotas.take(robotId, { telemetryEntries: taken.length });
    const line = { ...batch, entries: [...taken], robotId, receivedMs: clock() };
    await telemetry.add(policy, line).catch((error: unknown) => {
      giveBack();
      throw error;
    });
  }
  metrics.count('flywheel_gateway_telemetry_entries_total', {}, taken.length);
  for (const entry of taken) observeLatency(metrics, entry);
  for (const reason of refused) metrics.count('flywheel_gateway_telemetry_refused_total', { reason });
  if (refused.length > 0)
    log.debug({ robotId, refused: refused.length, reasons: [...new Set(refused)] }, 'entries refused');
  return { storedEntries: taken.length, lastSeq, refused: refused.length };
}

/** The median latency of an episode's decisions, and of its parts where images were decoded. */
function observeLatency(metrics: GatewayContext['metrics'], entry: TelemetryEntry): void {
  if (entry.kind !== 'episode') return;
  const { latencyP50Ms, latencyParts } = entry;
  const observe = (part: string, ms: number): void =>
    metrics.observe('flywheel_gateway_episode_latency_seconds', ms / 1000, { part });
  if (latencyP50Ms !== null) observe('decision', latencyP50Ms);
  if (latencyParts === undefined) return;
  observe('decoding', latencyParts.decodingP50Ms);
  observe('policy', latencyParts.policyP50Ms);
}
