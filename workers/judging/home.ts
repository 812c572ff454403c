import type { CyclesPort } from '../../activities/ports/cycles.ts';
import type { Fleet } from '../../fleet/desk/index.ts';
import type { Settings } from '../config.ts';

/** What the thread is begun with. */
export type ThreadSettings = Pick<Settings, 'store' | 'scratchDirectory' | 'keysDirectory'> & {
  /** How often it shows that it is not stuck in one step. */
  readonly beatMs: number;
};

/** What the thread asks of its process: signing, and the workflows of the same server. */
export interface HomeFunctions {
  readonly refreshOrders: Fleet['refreshOrders'];
  readonly cycles: CyclesPort['cycles'];
  readonly sight: CyclesPort['sight'];
}
