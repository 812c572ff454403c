import { robotTypeName } from '../../datasets/robot-type.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Order } from './assignment-log.ts';
import type { AssignmentRecord } from './assignment-record.ts';
import { bodiesOf, championFor, orderFor, type Body } from './body-orders.ts';
import type { NotServedBy } from './fleet-view.ts';
import { keepsOf, type RobotRecord } from './robots.ts';
import { servedReader, standingOf, type ServedReader } from './served-reader.ts';

type Bodied = Pick<RobotRecord, 'robotId' | 'robotType'>;

/** What robots' bodies mean for their orders, as anybody may read it. */
export interface BodyFacts {
  /** Which bodies the champion does not serve, and what robots with them are kept on. */
  notServed(
    policy: string,
    championVersion: string,
    robots: readonly Bodied[],
  ): Promise<(body: Body) => NotServedBy | undefined>;
  /** Fits the order of a robot to its body and its quarantine; undefined where nothing serves it. A robot that nobody registered keeps its order. */
  orders(
    policy: string,
    record: Pick<AssignmentRecord, 'championVersion' | 'defaultVersion' | 'overrides' | 'operationId'>,
    robots: readonly RobotRecord[],
  ): Promise<(robotId: string, asked: Order) => Order | undefined>;
}

export function openBodyFacts(store: ObjectStore): BodyFacts {
  const readers = new Map<string, ServedReader>();
  const reader = (policy: string): ServedReader => {
    const known = readers.get(policy) ?? servedReader(store, policy);
    readers.set(policy, known);
    return known;
  };
  return {
    async notServed(policy, version, robots) {
      const bodies = bodiesOf(robots);
      const facts = await reader(policy).read([version], bodies);
      const known = new Map(
        bodies.flatMap((body): [string, NotServedBy][] => {
          if (facts.serves(version, body)) return [];
          const standing = standingOf(facts, version, body);
          const keeps = championFor(body, version, facts) ?? null;
          return [[robotTypeName(body), { version, standing, keeps }]];
        }),
      );
      return (body) => known.get(robotTypeName(body));
    },
    async orders(policy, { championVersion, defaultVersion, overrides, operationId: orderedBy }, robots) {
      const known = new Map(robots.map((robot) => [robot.robotId, { body: robot.robotType, keeps: keepsOf(robot) }]));
      const versions = new Set([championVersion, defaultVersion, ...overrides.map(({ version }) => version)]);
      const keeps = [...known.values()].flatMap((robot) => robot.keeps ?? []);
      const facts = await reader(policy).read([...versions], bodiesOf(robots), { keeps, orderedBy });
      return (robotId, asked) => {
        const robot = known.get(robotId);
        if (robot === undefined) return asked;
        const fit = orderFor(asked, robot.body, facts, robot.keeps);
        if (fit === undefined) return undefined;
        const { isReplaced, ...order } = fit;
        return isReplaced ? { ...order, leaseRemainingMs: null } : order;
      };
    },
  };
}
