import type { HeldoutSource } from '../../policies/evaluation/evaluate-heldout.ts';
import type { PolicySizes } from '../../policies/policy-io.ts';

/**
 * Opens a training or held-out set's file for reading block by block. Fails with `CorruptData` when it is no such file or does
 * not fit the sizes. With `cameras`, by name, rows have their pictures, in that order; with `history`, the readings of so many frames, the present included; with `imageHistory`, as many images of each camera.
 */
export type OpenRows = (
  filePath: string,
  sizes: PolicySizes,
  cameras?: readonly string[],
  history?: number,
  imageHistory?: number,
) => Promise<HeldoutSource & { close(): Promise<void> }>;
