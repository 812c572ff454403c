/**
 * What held at an instant of an append-only list, ascending in `atMs`: the last entry from then or before, the first one for what is older than
 * it; undefined for an empty list. O(n).
 *
 * heldAt([{ atMs: 10 }, { atMs: 20 }], 15) → { atMs: 10 }; heldAt([{ atMs: 10 }], 5) → { atMs: 10 }
 */
export function heldAt<Entry extends { readonly atMs: number }>(
  entries: readonly Entry[],
  atMs: number,
): Entry | undefined {
  return entries.findLast((entry) => entry.atMs <= atMs) ?? entries[0];
}
