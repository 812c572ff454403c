import { z } from 'zod';

import { spanOf } from '../../activities/metrics/read-metrics.ts';
import { readVersionRobots } from '../../activities/metrics/version-robots.ts';
import { aliasesAt, championChanges, comparePolicyVersions, parsePolicyVersion } from '../../domain/registry/index.ts';
import { modelFile, signedManifestSchema } from '../../policies/model-manifest.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import { modelRobotsSchema, modelSchema, modelsSchema } from '../answers/models.ts';
import { readLearnedData } from '../learned-data.ts';
import { readModelPage } from '../model-page.ts';
import { day, described, policyQuery, policyVersion, requirePolicy, type Routes } from './shared.ts';

const mostMoves = 500;
const mostRobots = 500;
const readsAtOnce = 16;

/** Versions, what made them, who was champion when, and which robots ran them. */
export const modelRoutes: Routes = (context) => async (app) => {
  await app.register(listRoutes(context));
  await app.register(versionRoutes(context));
};

const listRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/models',
    schema: {
      querystring: policyQuery.extend({
        limit: z.coerce.number().int().min(1).max(200).default(100),
        before: policyVersion.optional(),
      }),
      ...described(
        'Versions of a policy, newest last, what made them, their aliases now and ever; signatures are checked where models are loaded, not here',
        modelsSchema,
      ),
    },
    handler: async ({ query: { policy, limit, before } }) => {
      await requirePolicy(context, policy);
      const history = await readAliasHistory(context)({ policy });
      const ways = new Map(championChanges(policy, history).map(({ seq, way }) => [seq, way]));
      const all = await versionsOf(context.store, policy);
      const older = before === undefined ? all : all.filter((one) => compare(one, before) < 0);
      const page = older.slice(-limit);
      const keys: string[] = [];
      const versions = await inParallel(page, readsAtOnce, async (one) => {
        const key = modelFile(policy, one, 'manifest.json');
        const signed = await readSoundJson(context.store, key, signedManifestSchema, (object) => keys.push(object.key));
        if (signed === undefined) return [];
        const { registeredAtMs, parents, training, gates } = signed.manifest;
        return {
          version: one,
          registeredAtMs,
          parents: [...parents],
          trainingSetDigest: training?.trainingSetDigest ?? null,
          gates: gates.map(({ id, outcome }) => ({ id, outcome })),
        };
      });
      return {
        readAtMs: context.clock(),
        damaged: keys,
        aliases: { ...aliasesAt(history) } as Record<string, string>,
        history: history.slice(-mostMoves).map(({ seq, atMs, set, who, why }) => ({
          atMs,
          who,
          why,
          way: ways.get(seq) ?? null,
          set: { ...set } as Record<string, string>,
        })),
        historyTotal: history.length,
        versions: versions.flat(),
        total: all.length,
        next: page.length < older.length ? (page[0] ?? null) : null,
      };
    },
  });
};

const versionRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/models/:version',
    schema: {
      querystring: policyQuery,
      params: z.object({ version: policyVersion }),
      ...described('One version: its data, the robots that brought it, training and gates', modelSchema),
    },
    handler: async ({ query: { policy }, params }) => {
      await requirePolicy(context, policy);
      const keys: string[] = [];
      const read = await readModelPage(context.store, { policy, ...params }, ({ key }) => void keys.push(key));
      const { newSince, ...page } = read;
      const version = page.training?.datasetVersion;
      const learned =
        version === undefined || newSince === null
          ? null
          : await readLearnedData(context, { robotType: page.robotType, version, newSince });
      return { readAtMs: context.clock(), damaged: keys, ...page, learned };
    },
  });

  app.route({
    method: 'GET',
    url: '/api/v1/models/:version/robots',
    schema: {
      querystring: policyQuery.extend({ from: day.optional(), to: day.optional() }),
      params: z.object({ version: policyVersion }),
      ...described('Which robots ran a version on UTC days (at most 370), and how well', modelRobotsSchema),
    },
    handler: async ({ query: { policy, ...days }, params }) => {
      await requirePolicy(context, policy);
      const { from, to } = spanOf(days, context.clock(), { defaultDays: 84, mostDays: 370 });
      const asked = { policy, ...params, from, to };
      const answer = await context.questions.ask((engine) =>
        readVersionRobots({ ...context, engine }, { ...asked, limit: mostRobots }),
      );
      return { ...answer, ...asked, readAtMs: context.clock(), robots: [...answer.robots] };
    },
  });
};

function compare(a: string, b: string): number {
  const [left, right] = [parsePolicyVersion(a), parsePolicyVersion(b)];
  return left === undefined || right === undefined ? 0 : comparePolicyVersions(left, right);
}

/** All versions with a manifest, oldest first: their numbers grow in the order of registration. Lists, and reads none of them. */
async function versionsOf(store: ObjectStore, policy: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(`models/${policy}/`)) {
    const [, name = ''] = /^models\/[^/]+\/([^/]+)\/manifest\.json$/.exec(key) ?? [];
    if (parsePolicyVersion(name) !== undefined) found.push(name);
  }
  return found.toSorted(compare);
}
