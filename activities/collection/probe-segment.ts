import { footerSizeBytes } from '../../datasets/parquet-footer.ts';
import { segmentFacts, type SegmentFacts } from '../../datasets/validation/segment-facts.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';

/** Enough for the footer of nearly every segment; a longer one costs a second read. */
const tailSizeBytes = 64 * 1024;
/** A footer beyond this is no robot's: the segment counts as unreadable. */
const maxFooterSizeBytes = 4 * 1024 * 1024;

/** Reads the two ends of a segment, never its data. Undefined when it is gone. */
export async function probeSegment(
  store: ObjectStore,
  { key, sizeBytes }: ObjectEntry,
): Promise<SegmentFacts | undefined> {
  let tail = await store.get(key, { start: Math.max(0, sizeBytes - tailSizeBytes), end: sizeBytes });
  if (tail === undefined) return undefined;
  const footerBytes = footerSizeBytes(tail) ?? 0;
  if (footerBytes > tail.length && footerBytes <= Math.min(sizeBytes, maxFooterSizeBytes)) {
    tail = (await store.get(key, { start: sizeBytes - footerBytes, end: sizeBytes })) ?? tail;
  }
  const head = tail.length >= sizeBytes ? tail.subarray(0, 64) : await store.get(key, { start: 0, end: 64 });
  return head === undefined ? undefined : segmentFacts({ head, tail, sizeBytes });
}
