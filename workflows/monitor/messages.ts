import { defineQuery, defineUpdate } from '@temporalio/workflow';

import type { ObserveFleetResult } from '../../activities/monitor/observe-fleet.ts';
import type { MonitorLimits } from '../../domain/monitoring/index.ts';
import { messageNames } from '../../domain/contract/message-names.ts';

/** A person has seen an incident; it stays open until it is gone. */
export const acknowledgeUpdate = defineUpdate<string, [Acknowledgement]>(messageNames.acknowledge);
/** Changes some of the limits from the next look on. */
export const setLimitsUpdate = defineUpdate<string, [Partial<MonitorLimits>]>(messageNames.setLimits);
export const monitorStatusQuery = defineQuery<MonitorStatus>(messageNames.status);

export interface Acknowledgement {
  readonly incidentId: string;
  readonly reason: string;
  readonly who?: string;
}

export interface MonitorStatus {
  readonly policy: string;
  readonly looks: number;
  readonly limits: MonitorLimits;
  /** What the last look said; null before the first. */
  readonly look: ObserveFleetResult | null;
  /** What came of the last look at what robots see; null before the first. */
  readonly drift: string | null;
  readonly lastTrigger: { readonly atMs: number; readonly cause: string; readonly workflowId: string } | null;
  /** Promotion that was rolled back automatically; null: none. */
  readonly rolledBack: string | null;
  /** Why the last look failed; null when it did not. */
  readonly trouble: string | null;
}
