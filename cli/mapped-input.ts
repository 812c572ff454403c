import type { SqlEngine } from '../activities/ports/sql.ts';
import type { ImportMap } from '../datasets/importers/import-map.ts';
import type { ImportInput } from '../datasets/importers/import-summary.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** What a format is given that is read for a robot type. */
export interface TypedInput extends ImportInput {
  readonly engine: SqlEngine;
  readonly store: ObjectStore;
  readonly type: RobotType;
  readonly isAgain: boolean;
}

/** What a format is given that reads by a map. */
export interface MappedInput extends TypedInput {
  readonly map: ImportMap;
}
