import type { SqlEngine } from '../activities/ports/sql.ts';
import type { ImportMap } from '../datasets/importers/import-map.ts';
import type { ImportInput } from '../datasets/importers/import-summary.ts';
import type { RobotType } from '../datasets/robot-type.ts';

/** What a format is given that reads by a map. */
export interface MappedInput extends ImportInput {
  readonly engine: SqlEngine;
  readonly type: RobotType;
  readonly map: ImportMap;
  readonly isAgain: boolean;
}
