import { z } from 'zod';

import { readFleetSuccess } from '../../activities/metrics/fleet-success.ts';
import { readPolicyDocuments } from '../../activities/registry/policy-document.ts';
import { readRobotPage } from '../../activities/robot-page.ts';
import type { RobotView } from '../../fleet/desk/index.ts';
import {
  type countsSchema,
  type fleetRobotSchema,
  fleetSchema,
  fleetSuccessSchema,
  policiesSchema,
  robotSchema,
} from '../answers/fleet.ts';
import { described, pageOf, pageQuery, policyQuery, requirePolicy, robotName, type Routes } from './shared.ts';

const querySchema = pageQuery.extend({
  contact: z.enum(['online', 'silent', 'unknown']).optional(),
  site: z.string().max(63).optional(),
  version: z.string().max(40).optional(),
  quarantined: z.enum(['true', 'false']).optional(),
  /** Part of the robot's id or site. */
  search: z.string().max(63).optional(),
});

function counts(names: readonly string[]): z.infer<typeof countsSchema> {
  return [...Map.groupBy(names, (name) => name)]
    .map(([name, { length }]) => ({ name, robots: length }))
    .toSorted((a, b) => b.robots - a.robots || (a.name < b.name ? -1 : 1));
}

function matches(robot: RobotView, asked: z.infer<typeof querySchema>): boolean {
  const { contact, site, version, quarantined, search } = asked;
  return (
    (contact === undefined || robot.contact === contact) &&
    (site === undefined || robot.site === site) &&
    (version === undefined || (robot.version ?? 'none') === version) &&
    (quarantined === undefined || robot.isQuarantined === (quarantined === 'true')) &&
    (search === undefined || robot.robotId.includes(search) || robot.site.includes(search))
  );
}

const shown = ({
  robotId,
  site,
  contact,
  lastSeenMs,
  version,
  quarantine,
}: RobotView): z.infer<typeof fleetRobotSchema> => ({
  robotId,
  site,
  contact,
  lastSeenMs,
  version,
  quarantine:
    quarantine === undefined ? null : { sinceMs: quarantine.sinceMs, who: quarantine.who, why: quarantine.why },
});

/** Who is there, what it runs, and all about one. */
export const fleetRoutes: Routes = (context) => async (app) => {
  await app.register(successRoute(context));
  app.route({
    method: 'GET',
    url: '/api/v1/policies',
    schema: described('Policies that there are', policiesSchema),
    handler: async () => {
      const keys: string[] = [];
      const documents = await readPolicyDocuments(context.store, ({ key }) => void keys.push(key));
      return {
        readAtMs: context.clock(),
        damaged: keys,
        policies: documents.map(({ policy, robotType: { id, version } }) => ({
          policy,
          robotType: `${id}@${version}`,
        })),
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/fleet',
    schema: { querystring: querySchema, ...described('Robots of a policy, by id', fleetSchema) },
    handler: async ({ query }) => {
      await requirePolicy(context, query.policy);
      const view = await context.fleet.readFleet(query.policy);
      const { robots } = view;
      const page = pageOf(
        robots.filter((robot) => matches(robot, query)),
        ({ robotId }) => robotId,
        query,
      );
      return {
        readAtMs: context.clock(),
        damaged: view.damaged.map(({ key }) => key),
        presence: view.presence,
        contacts: counts(robots.map(({ contact }) => contact)),
        versions: counts(robots.map(({ version }) => version ?? 'none')),
        sites: counts(robots.map(({ site }) => site)),
        quarantined: robots.filter(({ isQuarantined }) => isQuarantined).length,
        retired: view.retired.length,
        ...page,
        items: page.items.map(shown),
      };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/robots/:robotId',
    schema: {
      params: z.object({ robotId: robotName }),
      ...described('Everything known of one robot; lists have their newest last', robotSchema),
    },
    handler: async ({ params: { robotId } }) => ({
      readAtMs: context.clock(),
      robot: { ...(await readRobotPage(context, robotId)) },
    }),
  });
};

/** How well a fleet does. */
const successRoute: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/fleet/success',
    schema: {
      querystring: policyQuery,
      ...described(
        'Success of a fleet and of each version that it ran, in the last 24 hours that the facts reach',
        fleetSuccessSchema,
      ),
    },
    handler: async ({ query: { policy } }) => {
      await requirePolicy(context, policy);
      const { versions, ...answer } = await context.questions.ask((engine) =>
        readFleetSuccess({ ...context, engine }, policy),
      );
      return { readAtMs: context.clock(), policy, ...answer, versions: [...versions] };
    },
  });
};
