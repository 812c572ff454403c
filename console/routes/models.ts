import { z } from 'zod';

import { aliasesAt } from '../../domain/registry/index.ts';
import { signedManifestSchema } from '../../policies/model-manifest.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import { damaged, read } from '../answers/read.ts';
import { described, policyQuery, requirePolicy, type Routes } from './shared.ts';

/** Versions, what made them, and who was champion when. */
export const modelRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/models',
    schema: {
      querystring: policyQuery,
      ...described(
        'Versions of a policy, what made them, their aliases now and ever; signatures are checked where models are loaded, not here',
        z.strictObject({
          ...read,
          ...damaged,
          aliases: z.record(z.string(), z.string()),
          history: z.array(
            z.strictObject({
              atMs: z.number(),
              set: z.record(z.string(), z.string()),
              who: z.string(),
              why: z.string(),
            }),
          ),
          versions: z.array(
            z.strictObject({
              version: z.string(),
              registeredAtMs: z.number(),
              parents: z.array(z.string()),
              trainingSetDigest: z.string().nullable(),
              gates: z.array(z.strictObject({ id: z.string(), outcome: z.string() })),
            }),
          ),
        }),
      ),
    },
    handler: async ({ query: { policy } }) => {
      await requirePolicy(context, policy);
      const history = await readAliasHistory(context)({ policy });
      const keys: string[] = [];
      const versions = [];
      for await (const { key } of context.store.list(`models/${policy}/`)) {
        if (!/^models\/[^/]+\/[^/]+\/manifest\.json$/.test(key)) continue;
        const signed = await readSoundJson(
          context.store,
          key,
          signedManifestSchema,
          (object) => void keys.push(object.key),
        );
        if (signed === undefined) continue;
        const { version, registeredAtMs, parents, training, gates } = signed.manifest;
        versions.push({
          version,
          registeredAtMs,
          parents: [...parents],
          trainingSetDigest: training?.trainingSetDigest ?? null,
          gates: gates.map(({ id, outcome }) => ({ id, outcome })),
        });
      }
      return {
        readAtMs: context.clock(),
        damaged: keys,
        aliases: { ...aliasesAt(history) } as Record<string, string>,
        history: history.map(({ atMs, set, who, why }) => ({
          atMs,
          set: { ...set } as Record<string, string>,
          who,
          why,
        })),
        versions: versions.toSorted((a, b) => a.registeredAtMs - b.registeredAtMs),
      };
    },
  });
};
