import { beginErasure } from '../../../activities/erasure/begin-erasure.ts';
import { certifyErasure, type ErasureCertificate } from '../../../activities/erasure/certify-erasure.ts';
import { checkErased, type Checked } from '../../../activities/erasure/check-erased.ts';
import { eraseFound } from '../../../activities/erasure/erase-found.ts';
import { findErased } from '../../../activities/erasure/find-erased.ts';
import type { SegmentRow } from '../../../datasets/segment-row.ts';
import type { DataScope } from '../../../domain/legal-hold.ts';
import { writeErasureRequest } from '../../../store/records/erasures.ts';
import { type CollectionWorld, generatedEpisodes, nowMs, type Ports } from '../collection/collection-fixture.ts';

/** `r1` is a prefix of `r10`; the site of `r2` and `r10` is text that wants to break SQL. */
export const hostileSite = `hall '3'"; DROP TABLE heads; -- \\ %`;
const names = ['r1', 'r10', 'r2'];

/** Episodes of three robots, by robot. */
export function threeRobots(seed: number, episodes: number): ReadonlyMap<string, (readonly SegmentRow[])[]> {
  const generated = [...generatedEpisodes(seed, 3, episodes).values()];
  return new Map(
    generated.map((own, index) => {
      const robotId = names[index] ?? '';
      const site = robotId === 'r1' ? 'hall 1' : hostileSite;
      return [robotId, own.map((rows) => rows.map((row) => ({ ...row, robot_id: robotId, site })))];
    }),
  );
}

export async function land(
  world: CollectionWorld,
  robots: ReadonlyMap<string, (readonly SegmentRow[])[]>,
): Promise<void> {
  for (const [robotId, episodes] of robots) await world.land(robotId, episodes.flat());
}

export const request = (
  { store }: Pick<Ports, 'store'>,
  erasureId: string,
  target: DataScope,
  { ids = [], recordedBeforeMs = nowMs }: { readonly ids?: readonly string[]; readonly recordedBeforeMs?: number } = {},
): Promise<void> =>
  writeErasureRequest(
    store,
    { erasureId, target, recordedBeforeMs, who: 'ada', why: 'a letter of the robot’s owner', atMs: nowMs },
    ids,
  );

export const signer = {
  publicKeyId: 'k',
  rootVersion: 0,
  sign: () => 'signed',
  trusts: () => true,
};

/** What the workflow does, step by step. */
export async function erase(
  ports: Ports,
  erasureId: string,
): Promise<{
  readonly checked: Checked;
  readonly certificate: ErasureCertificate | undefined;
  readonly passes: number;
}> {
  await beginErasure(ports)({ erasureId });
  let passes = 0;
  for (let clean = 0; clean < 2;) {
    passes += 1;
    if (passes > 20) throw new Error('expected it to end');
    const { objects } = await findErased(ports)({ erasureId, pass: passes });
    clean = objects === 0 ? clean + 1 : 0;
    if (objects > 0) await eraseFound(ports)({ erasureId, pass: passes });
  }
  const checked = await checkErased(ports)({ erasureId, passes });
  const certificate =
    checked.leftovers.length > 0 ? undefined : await certifyErasure({ ...ports, signer })({ erasureId, passes });
  return { checked, certificate, passes };
}

const stable = (column: string): string => `* REPLACE (${column}::VARCHAR AS ${column})`;

/** Every row of the newest lake, as text. */
export async function lakeRows(
  world: CollectionWorld,
): Promise<{ episodes: readonly string[]; frames: readonly string[] }> {
  const text = (row: unknown): string =>
    JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
  return {
    episodes: (await world.rows('episodes', '*')).map(text),
    frames: (await world.rows('frames', stable('observation'))).map(text),
  };
}
