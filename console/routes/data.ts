import { z } from 'zod';

import { readQuarantinePage, type RefusedObject } from '../../activities/collection/quarantine-page.ts';
import { releaseQuarantinedSegment } from '../../activities/collection/release-quarantined-segment.ts';
import { readDataQuality, type DataQualityAnswer } from '../../activities/metrics/data-quality.ts';
import { spanOf } from '../../activities/metrics/read-metrics.ts';
import { readPolicyDocument } from '../../activities/registry/policy-document.ts';
import { requestOperator } from '../access.ts';
import { dataSchema, quarantineSchema, type DataAnswer, type QuarantineAnswer } from '../answers/data.ts';
import { actBodyLimit, described200, keyOf, reason } from './act-request.ts';
import { day, described, limitQuery, policyName, policyQuery, requirePolicy, type Routes } from './shared.ts';

const mostSamples = 5;
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected the sha256 of a refused object');

/** What data a fleet brings, and what was refused of it. */
export const dataRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/data',
    schema: {
      querystring: policyQuery.extend({ from: day.optional(), to: day.optional() }),
      ...described(
        'Episodes a day, tasks by robot, and how measures are distributed, on UTC days (at most 92; by default the last 28)',
        dataSchema,
      ),
    },
    handler: async ({ query: { policy, ...days } }) => {
      await requirePolicy(context, policy);
      const span = spanOf(days, context.clock(), { defaultDays: 28, mostDays: 92 });
      const { robots, damaged } = await context.fleet.readFleet(policy);
      const robotIds = robots.map(({ robotId }) => robotId);
      const answer = await context.questions.ask((engine) =>
        readDataQuality({ ...context, engine }, { policy, robotIds, ...span }),
      );
      return { readAtMs: context.clock(), damaged: damaged.map(({ key }) => key), policy, ...span, ...told(answer) };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/quarantine',
    schema: {
      querystring: limitQuery,
      ...described(
        'What collections refused and why, the newest first, of the robot type of a policy',
        quarantineSchema,
      ),
    },
    handler: async ({ query: { policy, limit } }) => {
      const { robotType } = await readPolicyDocument(context.store, policy);
      const keys: string[] = [];
      const asked = { robotTypeId: robotType.id, limit };
      const { items, total } = await readQuarantinePage(context.store, asked, ({ key }) => void keys.push(key));
      return { readAtMs: context.clock(), damaged: keys, items: items.map(shown), total };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/quarantine/:sha256/release',
    bodyLimit: actBodyLimit,
    config: { role: 'approver' },
    schema: {
      params: z.object({ sha256 }),
      body: z.strictObject({ policy: policyName, reason }),
      ...described200(
        'Put refused bytes back: the next collection takes them in, without the rules that may be waived',
      ),
    },
    handler: async (request) => {
      const { policy, reason: why } = request.body;
      const { sha256: subject } = request.params;
      await requirePolicy(context, policy);
      const asked = { act: 'quarantine.release', policy, subject, reason: why };
      return context.acting.carryOut(requestOperator(request), keyOf(request), asked, async ({ who }) => {
        const { waivedRules } = await releaseQuarantinedSegment(context)({ sha256: subject, reason: why, who });
        const rules = waivedRules.length === 0 ? 'no rule is waived' : `waived: ${waivedRules.join(', ')}`;
        return `it waits for the next collection again; ${rules}`;
      });
    },
  });
};

const shown = ({
  violations,
  violationsNotListed,
  release,
  ...record
}: RefusedObject): QuarantineAnswer['items'][number] => ({
  sha256: record.sha256,
  cycleId: record.cycleId,
  scope: record.scope,
  robotId: record.robotId,
  robotType: record.robotType,
  receivedMs: record.receivedMs,
  sizeBytes: record.sizeBytes,
  rules: [...record.rules],
  samples: violations.slice(0, mostSamples).map(({ rule, doc, value, expected, episodeId, row }) => ({
    rule,
    doc,
    value,
    expected,
    episodeId,
    frame: row,
  })),
  violationsTotal: violations.length + violationsNotListed,
  released: release === null ? null : { who: release.who, reason: release.reason, atMs: release.releasedMs },
});

const told = ({
  days,
  coverage,
  distributions,
  ...answer
}: DataQualityAnswer): Pick<DataAnswer, 'state' | 'asOfMs' | 'days' | 'coverage' | 'distributions'> => ({
  ...answer,
  days: [...days],
  coverage: {
    ...coverage,
    shownRobots: [...coverage.shownRobots],
    shownTasks: coverage.shownTasks.map((task) => ({ ...task, byRobot: [...task.byRobot] })),
  },
  distributions: distributions.map((one) => ({ ...one, quantiles: [...one.quantiles], classes: [...one.classes] })),
});
