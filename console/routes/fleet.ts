import { z } from 'zod';

import { readPolicyDocuments } from '../../activities/registry/policy-document.ts';
import { readRobotPage } from '../../activities/robot-page.ts';
import type { RobotView } from '../../fleet/desk/index.ts';
import {
  damaged,
  described,
  pageOf,
  pageQuery,
  pageSchema,
  read,
  requirePolicy,
  robotName,
  type Routes,
} from './shared.ts';

const robotSchema = z.strictObject({
  robotId: z.string(),
  site: z.string(),
  contact: z.enum(['online', 'silent', 'unknown']),
  lastSeenMs: z.number().nullable(),
  version: z.string().nullable(),
  /** Left out of trials and learning: since when, by whom, why; null: it is not. */
  quarantine: z.strictObject({ sinceMs: z.number(), who: z.string(), why: z.string() }).nullable(),
});
const countsSchema = z.array(z.strictObject({ name: z.string(), robots: z.int() }));
const fleetSchema = z.strictObject({
  ...read,
  ...damaged,
  /** `unknown`: no gateway says who is there; nothing follows from silence then. */
  presence: z.enum(['known', 'unknown']),
  /** Of all robots of the policy, whatever was searched for. */
  contacts: countsSchema,
  versions: countsSchema,
  sites: countsSchema,
  quarantined: z.int(),
  retired: z.int(),
  ...pageSchema(robotSchema),
});

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
}: RobotView): z.infer<typeof robotSchema> => ({
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
  app.route({
    method: 'GET',
    url: '/api/v1/policies',
    schema: described(
      'Policies that there are',
      z.strictObject({
        ...read,
        ...damaged,
        policies: z.array(z.strictObject({ policy: z.string(), robotType: z.string() })),
      }),
    ),
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
      ...described(
        'Everything known of one robot; lists have their newest last',
        z.strictObject({ ...read, robot: z.record(z.string(), z.unknown()) }),
      ),
    },
    handler: async ({ params: { robotId } }) => ({
      readAtMs: context.clock(),
      robot: { ...(await readRobotPage(context, robotId)) },
    }),
  });
};
