import { whyKept } from '../../domain/retention.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { Lake } from '../lake/lake.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { ClassTally, type ClassReport } from './class-tally.ts';
import { isHeldSql, readHeldData, type HeldData } from './held-data.ts';
import type { ClassSweep } from './retain-classes.ts';

/**
 * Takes days that are older than frames are kept out of the lake, episodes first, so that no episode is without its frames; their
 * bytes go by `compactLake`, once no registered model that is needed pins a version with them. A day with one held episode stays whole. Idempotent.
 */
export async function retainFrames(
  sweep: ClassSweep & { readonly lake: Lake; readonly engine: SqlEngine },
): Promise<ClassReport> {
  const { store, lake, limits, nowMs, dryRun, progress } = sweep;
  const tally = new ClassTally('frames', limits.frames);
  if (limits.frames === null) return tally.report();
  const version = await lake.currentVersion();
  const sizes = new Map<string, number>();
  for (const table of ['episodes', 'frames'] as const)
    for (const { day, bytes } of await lake.daySizes(table, version[table]))
      sizes.set(day, (sizes.get(day) ?? 0) + bytes);
  const old = [...sizes.keys()].filter((day) => {
    const why = whyKept({ class: 'frames', atMs: endOf(day) }, sweep);
    if (why !== undefined && why !== 'young') tally.stays(why);
    return why === undefined;
  });
  const held = await readHeldData(store);
  const heldDays = await daysWithHeld({ ...sweep, held }, version.episodes, old);
  const going = old.filter((day) => !heldDays.has(day)).toSorted();
  for (const day of old) if (heldDays.has(day)) tally.stays(held.any ?? 'a legal hold');
  for (const day of going) tally.goes(endOf(day), sizes.get(day) ?? 0);
  progress({ stage: 'taking days out of the lake', days: going.length });
  if (going.length > 0 && !dryRun)
    for (const table of ['episodes', 'frames'] as const)
      await lake.remove(table, going, { appId: 'retention', version: nowMs }, 'retention');
  return tally.report();
}

const endOf = (day: string): number => Date.parse(`${day}T00:00:00Z`) + 86_400_000;

async function daysWithHeld(
  { lake, engine, held }: { readonly lake: Lake; readonly engine: SqlEngine; readonly held: HeldData },
  version: number,
  days: readonly string[],
): Promise<ReadonlySet<string>> {
  if (held.any === undefined || days.length === 0) return new Set();
  const session = await engine.open();
  try {
    const episodes = await lake.scan('episodes', version, { recordedOn: days });
    const rows = await session.rows(
      `SELECT DISTINCT recorded_on::VARCHAR AS day FROM ${episodes} WHERE ${isHeldSql(held)} ` +
        `AND recorded_on IN (${days.map((day) => `DATE ${sqlText(day)}`).join(', ')})`,
    );
    return new Set(rows.map(({ day }) => day as string));
  } finally {
    await session.close();
  }
}
