import {
  readErasedEpisodes,
  readErasureRequest,
  writeTombstone,
  type ErasureRequest,
} from '../../store/records/erasures.ts';
import type { ErasurePorts } from './find-erased.ts';
import { refuseHeld } from './refuse-held.ts';

/**
 * Makes a request hold: from now on nothing of what it names is taken in, and rows that were made before do not follow. Refused as
 * `Conflict` where a legal hold covers any of it. Idempotent by erasure.
 */
export const beginErasure =
  (ports: ErasurePorts) =>
  async ({ erasureId }: { readonly erasureId: string }): Promise<{ readonly target: ErasureRequest['target'] }> => {
    const request = await readErasureRequest(ports.store, erasureId);
    await refuseHeld(ports, request, await readErasedEpisodes(ports.store, erasureId));
    await writeTombstone(ports.store, request);
    for (const table of ['episodes', 'frames', 'outcomes', 'fleet_days'] as const)
      await ports.lake.mark(table, { appId: `erase/${erasureId}`, version: 0 }, `erase ${erasureId}`);
    return { target: request.target };
  };
