import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { duckDbEngine } from '../../../../activities/adapters/duckdb-engine.ts';
import { mediaListSchema } from '../../../../datasets/segment-row.ts';

export interface StoredMedia {
  readonly episodeId: string;
  readonly sha256: string;
  readonly kind: string;
  readonly key: string;
  readonly startedAtUs: number;
  readonly durationMs: number;
  /** Instant of the episode's first frame. */
  readonly frameUs: number;
}

/** What the segments that a gateway holds name beside their frames, by episode and kind. */
export async function mediaIn(
  gateway: { readonly segments: ReadonlyMap<string, Uint8Array> },
  directory: string,
): Promise<readonly StoredMedia[]> {
  const files: string[] = [];
  for (const [sha256, bytes] of gateway.segments) {
    const file = path.join(directory, `${sha256}.parquet`);
    await writeFile(file, bytes);
    files.push(`'${file}'`);
  }
  if (files.length === 0) return [];
  const session = await duckDbEngine({ temporaryDirectory: directory, threads: 1 }).open();
  try {
    const rows = await session.rows(
      `SELECT episode_id AS id, CAST(any_value(media) AS VARCHAR) AS media, CAST(min(timestamp) AS VARCHAR) AS frame_us
       FROM read_parquet([${files.join(', ')}]) WHERE media IS NOT NULL GROUP BY ALL ORDER BY id`,
    );
    return rows.flatMap((row) =>
      mediaListSchema.parse(JSON.parse(row['media'] as string)).map((media) => ({
        episodeId: row['id'] as string,
        sha256: media.sha256,
        kind: media.kind,
        key: media.key,
        startedAtUs: media.startedAt,
        durationMs: media.durationMs,
        frameUs: Number(row['frame_us']),
      })),
    );
  } finally {
    await session.close();
  }
}
