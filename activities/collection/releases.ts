import { z } from 'zod';

import type { Violation } from '../../datasets/validation/rule.ts';
import { readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';

/** Says that a person wants these very bytes accepted in spite of some rules. */
export const releaseSchema = z.strictObject({
  sha256: z.string(),
  /** Rules waived for these bytes, and no others. */
  rules: z.array(z.string()),
  quarantineKey: z.string(),
  landingKey: z.string(),
  reason: z.string(),
  who: z.string(),
  releasedMs: z.int(),
});
export type Release = z.infer<typeof releaseSchema>;

export const releaseKeyOf = (sha256: string): string => `releases/${sha256}.json`;

/** Rules that a person waived for a segment of this content. */
export async function waivedRules(store: ObjectStore, sha256: string | undefined): Promise<ReadonlySet<string>> {
  const release = sha256 === undefined ? undefined : await readJson(store, releaseKeyOf(sha256), releaseSchema);
  const rules = new Set(release?.rules);
  // A clock that nobody knew gives episodes whose date nobody knows: who accepts the one accepts the other.
  if (rules.has('segment.clock-skew')) rules.add('episode.dated');
  return rules;
}

export const withoutWaived = (violations: readonly Violation[], waived: ReadonlySet<string>): readonly Violation[] =>
  waived.size === 0 ? violations : violations.filter(({ rule }) => !waived.has(rule));
