import { z } from 'zod';

import { aliasesAt, demotionMoves, promotionMoves } from '../../domain/registry/index.ts';
import type { Fleet } from '../../fleet/desk/index.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { moveAliases, readAliasHistory } from '../../store/records/aliases.ts';
import { trialKeys } from './trial-keys.ts';

const inputSchema = z.strictObject({
  policy: z.string(),
  who: z.string(),
  why: z.string(),
  /** The candidate was proven better than the champion, so it is the new anchor. */
  isBetter: z.boolean().default(false),
  /** What the champion will have lost against the anchor with this candidate; null: unknown. */
  anchorLossFraction: z.number().nullable().default(null),
});
export type RepairAliasesInput = z.input<typeof inputSchema>;

export interface RepairAliasesResult {
  readonly championVersion: string | null;
  readonly isMoved: boolean;
}

/**
 * Makes the champion alias what the assignment log says the fleet's version is: the assignment comes first, the alias second,
 * and whoever finds them apart puts them together. Idempotent by the operation of the log's last record; moves nothing when they agree.
 */
export const repairAliases =
  (ports: { store: ObjectStore; clock: Clock; fleet: Fleet }) =>
  async (given: RepairAliasesInput): Promise<RepairAliasesResult> => {
    const { policy, who, why, isBetter, anchorLossFraction } = parseActivityInput('repairAliases', inputSchema, given);
    const { current } = await ports.fleet.readAssignments(policy);
    const history = await readAliasHistory(ports)({ policy });
    const { champion } = aliasesAt(history);
    if (current === undefined || current.record.defaultVersion === champion)
      return { championVersion: champion ?? null, isMoved: false };
    const version = current.record.defaultVersion;
    const back = demotionMoves(history, version);
    if (back === undefined && !isBetter && anchorLossFraction !== null)
      await ports.store.put(
        trialKeys.anchorLoss(policy, version),
        jsonBytes({ version, lossFraction: anchorLossFraction }),
      );
    const { operationId } = current.record;
    await moveAliases(ports, { policy, operationId, who, why: why.slice(0, 500) }, (aliases) =>
      back === undefined ? promotionMoves(aliases, version, isBetter) : back,
    );
    return { championVersion: version, isMoved: true };
  };
