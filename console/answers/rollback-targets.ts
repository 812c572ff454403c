import { z } from 'zod';

import { championWays } from '../../domain/registry/champion-changes.ts';
import { metricSchema } from './metrics.ts';
import { damaged, read } from './read.ts';

const success = { robots: z.int(), success: metricSchema };
const change = { atMs: z.number(), version: z.string(), way: z.enum(championWays), who: z.string(), why: z.string() };

/** A change of the champion: which version it was then, and how it came to be. */
const championChangeSchema = z.strictObject({ ...change, replaced: z.string().nullable() });
export type ChampionChangeAnswer = z.infer<typeof championChangeSchema>;

/** Where a rollback can go, and what is known of each version. */
export const rollbackTargetsSchema = z.strictObject({
  ...read,
  ...damaged,
  policy: z.string(),
  /** What the fleet runs by default now; null: it has no order yet. */
  running: z.strictObject({ version: z.string(), ...success }).nullable(),
  /** Where an order that names no version goes; null: nowhere. */
  unnamed: z.strictObject({ version: z.string(), endsTrial: z.boolean() }).nullable(),
  /** UTC days that success is counted over. */
  from: z.string(),
  to: z.string(),
  /** Of what `success` says: `unreadable`: it cannot be counted now, and nothing follows from that. */
  state: z.enum(['read', 'empty', 'noFacts', 'unreadable']),
  asOfMs: z.number().nullable(),
  /** The one that was champion last comes first; the first 20 of `total`, and the baseline. */
  targets: z.array(
    z.strictObject({
      version: z.string(),
      aliases: z.array(z.string()),
      /** `ask`: a person has to agree first; the others are done at once. */
      choice: z.enum(['endTrial', 'assign', 'ask']),
      /** When it was champion, newest first, the last 5 of `spellsTotal`. */
      spells: z.array(z.strictObject({ ...change, untilMs: z.number().nullable() })),
      spellsTotal: z.int(),
      /** It was champion last until somebody, or its trial, took it back; null: it was not taken back. */
      takenBack: championChangeSchema.nullable(),
      ...success,
      /** This version minus the one that runs now, with its 95 % interval. */
      difference: metricSchema,
      /** The last trial that tried it; null: none of the last 100 did. `isAgainst`: robots were ordered back from it, or it is proven worse. */
      trial: z
        .strictObject({ trialId: z.string(), atMs: z.number(), isAgainst: z.boolean(), sentence: z.string() })
        .nullable(),
    }),
  ),
  total: z.int(),
});
export type RollbackTargetsAnswer = z.infer<typeof rollbackTargetsSchema>;
