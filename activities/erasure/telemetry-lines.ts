import { z } from 'zod';

import { episodeHash } from '../../store/records/erasures.ts';
import type { ErasedRows } from './erased-rows.ts';

const lineSchema = z.looseObject({
  robotId: z.string(),
  receivedMs: z.number(),
  entries: z.array(z.looseObject({ episodeId: z.string().optional() })),
});

/**
 * A telemetry object without what is erased: lines of the robot that were received before the request, and entries of the episodes
 * in other lines; lines that are left stay byte for byte. A line that cannot be read goes where it names the robot.
 */
export function withoutErasedLines(
  text: string,
  { request, hashes }: ErasedRows,
): { readonly text: string; readonly entries: number } {
  const { target, recordedBeforeMs } = request;
  const robotId = target.kind === 'robot' ? target.robotId : undefined;
  const kept: string[] = [];
  let entries = 0;
  for (const line of text.split('\n')) {
    const parsed = lineSchema.safeParse(parsedJson(line));
    if (!parsed.success) {
      if (line !== '' && robotId !== undefined && line.includes(`"${robotId}"`)) entries += 1;
      else kept.push(line);
      continue;
    }
    const batch = parsed.data;
    if (batch.robotId === robotId && batch.receivedMs < recordedBeforeMs) {
      entries += batch.entries.length;
      continue;
    }
    const left = batch.entries.filter(
      ({ episodeId }) => episodeId === undefined || !hashes.has(episodeHash(episodeId)),
    );
    entries += batch.entries.length - left.length;
    if (left.length === batch.entries.length) kept.push(line);
    else if (left.length > 0) kept.push(JSON.stringify({ ...batch, entries: left }));
  }
  return { text: kept.join('\n'), entries };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
