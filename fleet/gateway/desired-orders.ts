import { createHash } from 'node:crypto';

import { desiredAnswerSchema, etagOf, type DesiredAnswer } from '../protocol/index.ts';
import type { RobotRecord } from '../desk/robots.ts';
import type { FleetWatch } from './fleet-watch.ts';
import type { ModelCatalog } from './model-catalog.ts';
import type { BodiedOrder } from './policy-watch.ts';
import type { SignedOrders } from './seal-watch.ts';
import { WireError } from './wire-error.ts';

/** One answer of `desired`: the same order gives the same bytes, on every gateway. */
export interface DesiredBody {
  readonly seq: number;
  readonly text: string;
  readonly etag: string;
  readonly leaseRemainingMs: number | null;
  /** The seal over the order as a header value; undefined where it goes out unsigned. */
  readonly seal?: string;
}

/** As the desk signed it, or as agents of earlier versions read it. */
export type OrderForm = 'signed' | 'plain';

export interface DesiredOrders {
  /** What the robot should run now. `notFound` while its policy has no champion that is registered. */
  now(robot: RobotRecord, form: OrderForm): Promise<DesiredBody>;
  /** Waits until the robot's answer differs from `etag`, but not beyond `waitMs` nor a third of its lease, nor past `stop`. */
  whenChanged(
    robot: RobotRecord,
    form: OrderForm,
    wait: { readonly etag: string; readonly waitMs: number; readonly stop: AbortSignal },
  ): Promise<DesiredBody>;
}

const maxRemembered = 1_000;

export function desiredOrders(ports: {
  readonly watch: FleetWatch;
  readonly models: ModelCatalog;
  readonly onUnregistered: (policy: string, version: string) => void;
}): DesiredOrders {
  const { watch, models, onUnregistered } = ports;
  const bodies = new Map<string, Omit<DesiredBody, 'leaseRemainingMs' | 'seal'>>();

  async function now(robot: RobotRecord, form: OrderForm): Promise<DesiredBody> {
    const orders = await watch.of(robot.policy).orders();
    // A desk that signs nothing yet: what is asked for in the signed form goes out plain, and the robot decides.
    if (form === 'signed' && orders.signed !== undefined) return signedBody(robot, orders.signed);
    const order = await orders.of(robot);
    if (order === 'notServed') throw notServed(robot);
    const answer = order === undefined ? undefined : await answerTo(robot.policy, order);
    if (answer === undefined || order === undefined)
      throw new WireError('notFound', `policy ${robot.policy} has no registered champion yet`, {
        retryAfterMs: 10_000,
      });
    return { ...answer, leaseRemainingMs: order.leaseRemainingMs };
  }

  async function answerTo(policy: string, order: BodiedOrder) {
    const { seq, version, championVersion, trialId, urgency, leaseRemainingMs, baselineVersion } = order;
    const isLeased = leaseRemainingMs !== null;
    const key = JSON.stringify([policy, seq, version, championVersion, trialId, urgency, isLeased, baselineVersion]);
    const known = bodies.get(key);
    if (known !== undefined) return known;
    const champion = await models.reference(policy, championVersion);
    const ordered = await models.reference(policy, version);
    const baseline = baselineVersion === undefined ? undefined : await models.reference(policy, baselineVersion);
    if (champion === undefined || ordered === undefined)
      onUnregistered(policy, champion === undefined ? championVersion : version);
    if (champion === undefined) return undefined;
    // An order for a version that nobody registered cannot be followed: the champion is what is left.
    const followed = ordered === undefined ? { model: champion, trialId: null, isLeased: false } : undefined;
    const body = { policy, seq, urgency, champion, baseline: baseline ?? null };
    const answer = written({ ...body, ...(followed ?? { model: ordered ?? champion, trialId, isLeased }) });
    if (followed !== undefined) return answer;
    if (bodies.size >= maxRemembered) bodies.clear();
    bodies.set(key, answer);
    return answer;
  }

  return {
    now,
    async whenChanged(robot, form, { etag, waitMs, stop }) {
      const policy = watch.of(robot.policy);
      let body = await now(robot, form);
      const leaseMs = body.leaseRemainingMs ?? Number.POSITIVE_INFINITY;
      // Not AbortSignal.timeout: below AbortSignal.any it is collected as garbage and never fires (Node.js 20 and 22).
      const limit = new AbortController();
      const end = (): void => limit.abort();
      const timer = setTimeout(end, Math.ceil(Math.min(waitMs, leaseMs / 3)));
      stop.addEventListener('abort', end);
      if (stop.aborted) end();
      try {
        while (body.etag === etag && !limit.signal.aborted) {
          await policy.changed(limit.signal);
          body = await now(robot, form);
        }
        return body;
      } finally {
        clearTimeout(timer);
        stop.removeEventListener('abort', end);
      }
    },
  };
}

/** A robot that no version serves goes on with what it has, if that is anything. */
const notServed = ({ robotType: { id, version }, policy }: RobotRecord): WireError =>
  new WireError('notFound', `no version of policy ${policy} serves ${id}@${version} yet`, { retryAfterMs: 10_000 });

function signedBody(robot: RobotRecord, signed: SignedOrders): DesiredBody {
  const answer = signed.of(robot.robotId);
  if (answer === undefined) throw notServed(robot);
  const leaseRemainingMs = signed.leaseRemainingMs(answer.order);
  return { seq: answer.order.seq, ...textAndTag(answer), leaseRemainingMs, seal: signed.header };
}

function written(answer: DesiredAnswer): Omit<DesiredBody, 'leaseRemainingMs' | 'seal'> {
  return { seq: answer.seq, ...textAndTag(desiredAnswerSchema.parse(answer)) };
}

function textAndTag(answer: unknown): Pick<DesiredBody, 'text' | 'etag'> {
  const text = JSON.stringify(answer);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 32);
  return { text, etag: etagOf(digest) };
}
