import type { Lake } from '../lake/lake.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { ClipPorts } from '../ports/clip-decoder.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlEngine } from '../ports/sql.ts';

/** What making a set needs. */
export interface SetPorts {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly lake: Lake;
  readonly progress: Progress;
  /** Local folder for files on their way into the store; nothing stays behind. */
  readonly scratchDirectory: string;
  /** Decodes clips for sets with images; sets without need none. */
  readonly clips?: ClipPorts;
}
