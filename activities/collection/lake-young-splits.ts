import { splits, type Split } from '../../datasets/columns.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { leastSplitEpisodes, youngSplits } from '../../datasets/split.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { Lake } from '../lake/lake.ts';
import type { SqlSession } from '../ports/sql.ts';

/** What `youngSplits` says of the lake as it is now; looks at no more episodes than it takes to know that a split has enough. */
export async function lakeYoungSplits(
  { lake, session }: { readonly lake: Lake; readonly session: SqlSession },
  type: RobotType,
): Promise<readonly Split[] | undefined> {
  if (type.split.kind === 'time') return undefined;
  const episodes = await lake.scan('episodes', (await lake.currentVersion()).episodes);
  const found = { train: 0, validation: 0, heldout: 0 };
  for (const split of splits) {
    const [row] = await session.rows(
      `SELECT count(*) AS episodes FROM (SELECT 1 FROM ${episodes} WHERE split = ${sqlText(split)}
         AND robot_type = ${sqlText(type.id)} AND robot_type_version = ${type.version} LIMIT ${leastSplitEpisodes})`,
    );
    found[split] = Number(row?.['episodes']);
  }
  return youngSplits(found, type.split);
}
