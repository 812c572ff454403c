import { z } from 'zod';

import { episodeHash } from '../../store/records/erasures.ts';
import { ownerOf, type ErasedRows } from './erased-rows.ts';

/** Rows of a step of the facts, as lines of JSON: of outcomes, with the start in µs since 1970, or of days. */
const rowSchema = z.looseObject({
  robot_id: z.string().nullish(),
  site: z.string().nullish(),
  episode_id: z.string().nullish(),
  started_at: z.number().nullish(),
  recorded_on: z.string().nullish(),
});

/**
 * Rows that a step of the facts wrote down before its tables have them, or whose worker died before that, without what is erased: what the
 * tables would leave out too. Other lines stay byte for byte.
 */
export function withoutErasedFacts(text: string, erased: ErasedRows): string {
  const lines = text.split('\n');
  const kept = lines.filter((line) => !isErased(parsed(line), erased));
  return kept.length === lines.length ? text : kept.join('\n');
}

function isErased(row: z.infer<typeof rowSchema> | undefined, { request, hashes }: ErasedRows): boolean {
  if (row === undefined) return false;
  if (typeof row.episode_id === 'string' && hashes.has(episodeHash(row.episode_id))) return true;
  const owner = ownerOf(request);
  if (owner === undefined || row[owner.column] !== owner.value) return false;
  if (typeof row.episode_id === 'string') return (row.started_at ?? 0) < request.recordedBeforeMs * 1_000;
  return (row.recorded_on ?? '') < new Date(request.recordedBeforeMs).toISOString().slice(0, 10);
}

function parsed(line: string): z.infer<typeof rowSchema> | undefined {
  try {
    return rowSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
