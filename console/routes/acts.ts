import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

import { requireNotFrozen } from '../../acts/not-frozen.ts';
import { rollbackText, type TrialMessage } from '../../acts/steering.ts';
import { undoTarget } from '../../domain/trial/undo-rollback.ts';
import type { OperatorRole } from '../../fleet/desk/operators.ts';
import { quarantineRobot, readRobotLife, releaseRobot } from '../../fleet/desk/robot-life.ts';
import { failure } from '../../store/failures.ts';
import { requestOperator } from '../access.ts';
import type { Asked, Doing } from '../acting.ts';
import type { ActAnswer } from '../answers/acts.ts';
import type { ConsoleContext } from '../context.ts';
import { actBodyLimit as bodyLimit, described200, keyOf, reason } from './act-request.ts';
import { policyName, requirePolicy, robotName, type Routes } from './shared.ts';

const version = z.string().regex(/^\d{1,9}\.\d{1,9}\.\d{1,9}$/, 'expected a policy version like 1.2.3');
/** The reason that a page shows with the stage that waits. */
const waitsFor = z.string().max(4_000).optional();
const target = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'expected a version or an alias');
const requestId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,99}$/, 'expected the id of the request that waits');
const incidentId = z.string().min(1).max(200);
/** What people do to fleets. Each act is done once under its key, by the workflow's update or the store's own function, and stands in the audit log. */
export const actRoutes: Routes = (context) => async (app) => {
  await app.register(trialActs(context));
  await app.register(rollbackActs(context));
  await app.register(undoAct(context));
  await app.register(robotActs(context));
  await app.register(otherActs(context));
};

/** An act on a policy, by way of a workflow: nothing is written where there is no such policy, or no server to ask. */
async function byWorkflow(
  context: ConsoleContext,
  request: FastifyRequest,
  key: string,
  asked: Asked & { readonly policy: string },
  work: (doing: Doing) => Promise<string>,
): Promise<ActAnswer> {
  await requirePolicy(context, asked.policy);
  await context.steer.requireServer();
  return context.acting.carryOut(requestOperator(request), key, asked, work);
}

const trialMessages: readonly (readonly [message: TrialMessage, role: OperatorRole, summary: string])[] = [
  ['pause', 'operator', 'Stop advancing the trial of a policy; its guard goes on'],
  ['resume', 'operator', 'Go on after a pause'],
  ['abort', 'operator', 'End the trial; the robots go back to the champion'],
  ['reject', 'approver', 'Reject the stage that waits; the robots go back to the champion'],
];

const trialActs: Routes = (context) => async (app) => {
  for (const [message, role, summary] of trialMessages)
    app.route({
      method: 'POST',
      url: `/api/v1/trial/${message}`,
      bodyLimit,
      config: { role },
      schema: {
        body: z.strictObject({ policy: policyName, reason, candidateVersion: version.optional(), waitsFor }),
        ...described200(summary),
      },
      handler: async (request) => {
        const { policy, reason: why, candidateVersion: meant, waitsFor: seen } = request.body;
        const isProtective = message !== 'resume';
        const asked = { act: `trial.${message}`, policy, subject: meant ?? '', reason: why, isProtective };
        return byWorkflow(context, request, keyOf(request), asked, ({ who, actId }) =>
          context.steer.tellTrial(policy, message, {
            reason: why,
            who,
            actId,
            ...(meant === undefined ? {} : { meant }),
            ...(seen === undefined ? {} : { waitsFor: seen }),
          }),
        );
      },
    });
  app.route({
    method: 'POST',
    url: '/api/v1/trial/approve',
    bodyLimit,
    config: { role: 'approver' },
    schema: {
      body: z.strictObject({ policy: policyName, reason, candidateVersion: version, waitsFor }),
      ...described200('Let the stage begin that waits; not by who offered the candidate or started its cycle'),
    },
    handler: async (request) => {
      const { policy, reason: why, candidateVersion: meant, waitsFor: seen } = request.body;
      const asked = { act: 'trial.approve', policy, subject: meant, reason: why };
      return byWorkflow(context, request, keyOf(request), asked, async ({ who, actId }) => {
        await requireNotFrozen(context, policy);
        const waitsFor = seen === undefined ? {} : { waitsFor: seen };
        return context.steer.approveAnothers('trial', policy, { reason: why, who, actId, meant, ...waitsFor });
      });
    },
  });
};

const rollbackActs: Routes = (context) => async (app) => {
  app.route({
    method: 'POST',
    url: '/api/v1/rollback',
    bodyLimit,
    config: { role: 'operator' },
    schema: {
      body: z.strictObject({ policy: policyName, reason, target: target.optional() }),
      ...described200(
        'Take all robots of a policy back: at once to the champion or the one before; to a `target` once somebody approves',
      ),
    },
    handler: async (request) => {
      const { policy, reason: why, target: to } = request.body;
      const asked = { act: 'rollback', policy, subject: to ?? '', reason: why, isProtective: true };
      return byWorkflow(context, request, keyOf(request), asked, async ({ who, actId }) =>
        rollbackText(
          await context.steer.orderRollback(policy, {
            reason: why,
            who,
            actId,
            ...(to === undefined ? {} : { target: to }),
          }),
        ),
      );
    },
  });
  for (const answer of ['approve', 'reject'] as const)
    app.route({
      method: 'POST',
      url: `/api/v1/rollback/${answer}`,
      bodyLimit,
      config: { role: 'approver' },
      schema: {
        body: z.strictObject({ policy: policyName, reason, requestId }),
        ...described200(
          answer === 'approve'
            ? 'Let the rollback happen that waits; not by who asked for it'
            : 'Reject the rollback that waits; the fleet keeps its version',
        ),
      },
      handler: async (request) => {
        const { policy, reason: why, requestId: meant } = request.body;
        const isProtective = answer === 'reject';
        const asked = { act: `rollback.${answer}`, policy, subject: meant, reason: why, isProtective };
        return byWorkflow(context, request, keyOf(request), asked, ({ who, actId }) => {
          const word = { reason: why, who, actId, meant };
          return answer === 'approve'
            ? context.steer.approveAnothers('rollback', policy, word)
            : context.steer.answerRollback(policy, answer, word);
        });
      },
    });
};

const undoAct: Routes = (context) => async (app) => {
  app.route({
    method: 'POST',
    url: '/api/v1/rollback/undo',
    bodyLimit,
    config: { role: 'operator' },
    schema: {
      body: z.strictObject({ policy: policyName, reason, order: z.int().min(0) }),
      ...described200(
        'Undo one’s own rollback, the last order, within half an hour: all robots go back to the version that was champion before it',
      ),
    },
    handler: async (request) => {
      const { policy, reason: why, order } = request.body;
      const asked = { act: 'rollback.undo', policy, subject: String(order), reason: why };
      return byWorkflow(context, request, keyOf(request), asked, async ({ who, actId }) =>
        rollbackText(await context.steer.orderRollback(policy, { reason: why, who, actId, target: undoTarget(order) })),
      );
    },
  });
};

const robotActs: Routes = (context) => async (app) => {
  for (const [act, role, summary, change, done] of [
    [
      ...(['quarantine', 'operator', 'Leave a robot out of trials and learning until its release'] as const),
      ...([quarantineRobot, 'it is in quarantine'] as const),
    ],
    [
      ...(['release', 'approver', 'Take a robot back from quarantine: its waiting data is collected'] as const),
      ...([releaseRobot, 'it is released; the next collection takes in what waits of it'] as const),
    ],
  ] as const)
    app.route({
      method: 'POST',
      url: `/api/v1/robots/:robotId/${act}`,
      bodyLimit,
      config: { role },
      schema: { params: z.object({ robotId: robotName }), body: z.strictObject({ reason }), ...described200(summary) },
      handler: async (request) => {
        const { store, clock, acting } = context;
        const { robotId } = request.params;
        const { reason: why } = request.body;
        const now = (await readRobotLife(store, robotId)).at(-1);
        if (now === undefined) throw failure('NotFound', `expected a registered robot, got ${robotId}`);
        const asked = { act: `robot.${act}`, policy: now.policy, subject: robotId, reason: why };
        return acting.carryOut(requestOperator(request), keyOf(request), asked, async ({ who, askedAtMs }) => {
          // Done before, and cut off before that was written down: it is done, not refused.
          const isDone = now.who === who && now.why === why && now.atMs >= askedAtMs;
          if (act === 'release' && isDone && !now.isQuarantined) return done;
          await change({ store, clock }, { robotId, who, why });
          return done;
        });
      },
    });
};

const otherActs: Routes = (context) => async (app) => {
  app.route({
    method: 'POST',
    url: '/api/v1/incidents/acknowledge',
    bodyLimit,
    config: { role: 'operator' },
    schema: {
      body: z.strictObject({ policy: policyName, reason, incidentId }),
      ...described200('Say that somebody has seen an open incident; it stays open until its cause is gone'),
    },
    handler: async (request) => {
      const { policy, reason: why, incidentId: subject } = request.body;
      const asked = { act: 'incident.acknowledge', policy, subject, reason: why, isProtective: true };
      return byWorkflow(context, request, keyOf(request), asked, ({ who, actId }) =>
        context.steer.acknowledge(policy, { incidentId: subject, reason: why, who, actId }),
      );
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/cycles',
    bodyLimit,
    config: { role: 'operator' },
    schema: {
      body: z.strictObject({ policy: policyName, reason }),
      ...described200('Start a cycle of a policy now; `answer` is the id of its workflow'),
    },
    handler: async (request) => {
      const { policy, reason: why } = request.body;
      const asked = { act: 'cycle.start', policy, subject: '', reason: why };
      return byWorkflow(context, request, keyOf(request), asked, ({ who, actId, askedAtMs }) => {
        const name = `${new Date(askedAtMs).toISOString()}-${actId.slice(0, 8)}`;
        return context.steer.startCycle(policy, name, { policy, cause: `console: cycle start by ${who}` });
      });
    },
  });
};
