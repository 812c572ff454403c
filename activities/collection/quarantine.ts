import { randomUUID } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { segmentColumns } from '../../datasets/columns.ts';
import { fileSha256 } from '../../datasets/landing.ts';
import { footerMetadata } from '../../datasets/segment-footer.ts';
import { segmentSelect } from '../../datasets/segment-schema.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import { landingPlace } from '../../datasets/validation/segment-facts.ts';
import { allRules } from '../../datasets/validation/rules.ts';
import type { Violation } from '../../datasets/validation/rule.ts';
import { isFailure } from '../../store/failures.ts';
import { jsonBytes, requireJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { SqlSession } from '../ports/sql.ts';
import type { PlannedSegment } from './documents.ts';

const quarantinedViolationSchema = z.strictObject({
  rule: z.string(),
  doc: z.string(),
  value: z.string(),
  expected: z.string(),
  /** First offending frame of the episode, from 0; null when it is not about a frame. */
  row: z.int().nullable(),
  episodeId: z.string().nullable(),
});

/** Why something was refused; stands beside its bytes, `quarantine/<cycleId>/<sha256>.json`. */
export const quarantineRecordSchema = z.strictObject({
  sha256: z.string(),
  cycleId: z.string(),
  /** A whole segment, or the rows of one episode as a segment of its own. */
  scope: z.enum(['segment', 'episode']),
  /** Where it came from. */
  landingKey: z.string(),
  robotId: z.string(),
  robotType: z.string().nullable(),
  receivedMs: z.int(),
  sizeBytes: z.int(),
  /** Every rule that was broken. */
  rules: z.array(z.string()),
  violations: z.array(quarantinedViolationSchema),
  /** Violations beyond the first thousand. */
  violationsNotListed: z.int(),
});
export type QuarantineRecord = z.infer<typeof quarantineRecordSchema>;

export const quarantineKeyOf = (cycleId: string, sha256: string, ending: 'parquet' | 'json'): string =>
  `quarantine/${cycleId}/${sha256}.${ending}`;

/**
 * What was refused and why, of every cycle; of one content only when its digest is given. A record that cannot be read hides no
 * other: `onDamaged` is told its key; without it, it is an error.
 */
export async function* quarantined(
  store: ObjectStore,
  sha256?: string,
  onDamaged?: (key: string) => void,
): AsyncGenerator<QuarantineRecord> {
  const ending = sha256 === undefined ? '.json' : `/${sha256}.json`;
  for await (const { key } of store.list('quarantine/')) {
    if (!key.endsWith(ending)) continue;
    try {
      yield await requireJson(store, key, quarantineRecordSchema, 'it was just listed');
    } catch (error) {
      if (onDamaged === undefined || !isFailure(error, 'CorruptData')) throw error;
      onDamaged(key);
    }
  }
}

/** Robot of what lies where no robot uploads. */
export const nobody = 'unknown';

const maxListedViolations = 1000;
/** An id is 26 characters long; what is longer was refused for it. */
const maxIdCharacters = 64;

/** Violations of a segment (no episode) or of its episodes. */
export interface Refusal {
  readonly episodeId: string | null;
  readonly violations: readonly Violation[];
}

interface Ports {
  readonly store: ObjectStore;
  readonly cycleId: string;
}

/** Copies a whole segment into quarantine with its reasons. Idempotent by cycle and content. */
export async function quarantineSegment(
  ports: Ports,
  planned: PlannedSegment,
  filePath: string,
  refusals: readonly Refusal[],
): Promise<void> {
  await put(ports, planned, filePath, 'segment', refusals);
}

/** Writes the rows of one episode as a segment of its own into quarantine. Idempotent by cycle and content. */
export async function quarantineEpisode(
  ports: Ports & { readonly session: SqlSession; readonly scratchDirectory: string },
  planned: PlannedSegment,
  segmentPath: string,
  refusal: Refusal,
): Promise<void> {
  // A name of its own: the store may keep the very file.
  const filePath = join(ports.scratchDirectory, `refused-${randomUUID()}.parquet`);
  const { footer, absentColumns } = planned.facts;
  const metadata = Object.entries(footerMetadata({ ...unknownFooter, ...footer }));
  const isWanted = refusal.episodeId === null ? 'episode_id IS NULL' : `episode_id = ${sqlText(refusal.episodeId)}`;
  await ports.session.run(
    `COPY (SELECT ${segmentSelect(segmentColumns, new Set(absentColumns))} ` +
      `FROM read_parquet(${sqlText(segmentPath)}, file_row_number = true, hive_partitioning = false) ` +
      `WHERE ${isWanted} ORDER BY file_row_number) TO ${sqlText(filePath)} ` +
      `(FORMAT parquet, COMPRESSION zstd, KV_METADATA {${metadata.map((pair) => pair.map(sqlText).join(': ')).join(', ')}})`,
  );
  await put(ports, planned, filePath, 'episode', [refusal]);
  await rm(filePath);
}

const unknownFooter = { robotId: nobody, robotType: '', robotTypeDigest: '', agentVersion: '', clockSkewMs: 0 };

async function put(
  { store, cycleId }: Ports,
  planned: PlannedSegment,
  filePath: string,
  scope: QuarantineRecord['scope'],
  refusals: readonly Refusal[],
): Promise<void> {
  const sha256 = await fileSha256(filePath);
  const listed = refusals.flatMap(({ episodeId, violations }) =>
    violations.map((violation) => ({
      ...violation,
      doc: docOf(violation.rule),
      episodeId: episodeId?.slice(0, maxIdCharacters) ?? null,
    })),
  );
  const record: QuarantineRecord = {
    sha256,
    cycleId,
    scope,
    landingKey: planned.key,
    robotId: landingPlace(planned.key)?.robotId ?? nobody,
    robotType: planned.facts.footer.robotType ?? null,
    receivedMs: planned.receivedMs,
    sizeBytes: (await stat(filePath)).size,
    rules: [...new Set(listed.map(({ rule }) => rule))].toSorted(),
    violations: listed.slice(0, maxListedViolations),
    violationsNotListed: Math.max(0, listed.length - maxListedViolations),
  };
  await store.put(quarantineKeyOf(cycleId, sha256, 'parquet'), { filePath });
  await store.put(quarantineKeyOf(cycleId, sha256, 'json'), jsonBytes(record));
}

const docs: ReadonlyMap<string, string> = new Map(allRules.map(({ id, doc }) => [id, doc]));
const docOf = (rule: string): string => docs.get(rule) ?? '';
