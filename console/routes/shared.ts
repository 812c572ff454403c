import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import type { DaySpan } from '../../activities/facts/fact-tables.ts';
import { startOf } from '../../activities/metrics/read-metrics.ts';
import { readPolicyDocument } from '../../activities/registry/policy-document.ts';
import { utcDay } from '../../domain/facts/days.ts';
import type { ConsoleContext } from '../context.ts';
import { errors } from '../errors.ts';

export type Routes = (context: ConsoleContext) => FastifyPluginAsyncZod;

export const security = [{ operatorToken: [] }];
export const policyName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected a policy of lower-case letters, digits and dashes');
export const robotName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected a robot id of lower-case letters, digits and dashes');
export const trialName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'expected a trial id');
export const policyVersion = z.string().regex(/^\d{1,9}\.\d{1,9}\.\d{1,9}$/, 'expected a policy version like 1.2.3');
export const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'expected a UTC day, e.g. 2026-11-22');
export const episodeName = z.string().regex(/^[0-9A-Z]{1,40}$/, 'expected the id of an episode');
export const policyQuery = z.object({ policy: policyName });
/** Pages of lists: how many, and after which one. */
export const pageQuery = policyQuery.extend({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  after: z.string().max(200).optional(),
});

export const limitQuery = policyQuery.extend({ limit: z.coerce.number().int().min(1).max(100).default(20) });

/** The UTC days from `from` until before `to`, at most some hundred. */
export function daysBetween({ from, to }: DaySpan): readonly string[] {
  const startMs = startOf(from, 'from');
  const days = Math.round((startOf(to, 'to') - startMs) / 86_400_000);
  return Array.from({ length: days }, (_, index) => utcDay(startMs + index * 86_400_000));
}

/** The rest of a route's description. */
export const described = (summary: string, response: z.ZodType) => ({
  summary,
  security,
  response: { 200: response, ...errors },
});

/** `notFound` for a policy that nobody made: an empty fleet never looks like one that is not there. */
export const requirePolicy = (context: ConsoleContext, policy: string): Promise<unknown> =>
  readPolicyDocument(context.store, policy);

export interface Page<T> {
  readonly items: readonly T[];
  /** Of all that match. */
  readonly total: number;
  /** What `after` is for the next page; null: this is the last. */
  readonly next: string | null;
}

/** The page of a list that is sorted by name; also where the item that `after` names is in it no more. */
export function pageOf<T>(
  all: readonly T[],
  nameOf: (item: T) => string,
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Page<T> {
  const found = after === undefined ? 0 : all.findIndex((item) => nameOf(item) > after);
  const start = found === -1 ? all.length : found;
  const items = all.slice(start, start + limit);
  const last = items.at(-1);
  return { items, total: all.length, next: start + limit < all.length && last !== undefined ? nameOf(last) : null };
}
