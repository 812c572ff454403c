import type { fleetDayMeasures, outcomeColumns } from '../../datasets/fact-columns.ts';
import type { RowOf } from '../../datasets/columns.ts';

/** A row of `lake/outcomes`. */
export type OutcomeRow = RowOf<typeof outcomeColumns>;

/** A row of `lake/fleet_days`, or what a step adds to one. */
export type FleetDayRow = Pick<
  OutcomeRow,
  'robot_id' | 'policy' | 'robot_type' | 'robot_type_version' | 'site' | 'stratum' | 'recorded_on'
> &
  RowOf<typeof fleetDayMeasures>;

/** A safety event, remembered until the episode that it fell into has certainly been told. */
export interface SafetyEvent {
  readonly robotId: string;
  readonly bootId: string;
  readonly atMs: number;
}
