/** A piece of a JPEG file that a marker begins: ITU-T T.81, annex B. */
export interface JpegSegment {
  /** Second byte of the marker, as 0xda for SOS. */
  readonly marker: number;
  /** Of the marker's first byte. */
  readonly start: number;
  /** Behind the last byte; of SOS behind its entropy-coded data. */
  readonly end: number;
}

export const jpegMarkers = { app0: 0xe0, dht: 0xc4, dqt: 0xdb, dri: 0xdd, eoi: 0xd9, sof0: 0xc0, sos: 0xda } as const;
const startOfImage = 0xd8;

/**
 * Segments of the JPEG image that begins at `start`, SOI left out and EOI last. They end early where the bytes end, or are not those of a JPEG image;
 * the first nine bytes of a segment may be there while its end is not.
 */
export function* jpegSegments(bytes: Uint8Array, start = 0): Generator<JpegSegment> {
  if (bytes[start] !== 0xff || bytes[start + 1] !== startOfImage) return;
  for (let at = start + 2; at + 1 < bytes.length;) {
    if (bytes[at] !== 0xff) return;
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === jpegMarkers.eoi) {
      yield { marker, start: at, end: at + 2 };
      return;
    }
    const headEnd = at + 2 + Math.max(2, 256 * (bytes[at + 2] ?? 0) + (bytes[at + 3] ?? 0));
    const end = marker === jpegMarkers.sos ? entropyEnd(bytes, headEnd) : headEnd;
    yield { marker, start: at, end };
    at = end;
  }
}

/** Before the next marker; zeros that are stuffed behind 0xff and restart markers belong to the data. */
function entropyEnd(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(0xff, start); at !== -1; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next === undefined) break;
    const isData = next === 0 || next === 0xff || (next >= 0xd0 && next <= 0xd7);
    if (!isData) return at;
  }
  return bytes.length;
}

/** Behind the image that begins at `start`; undefined: it does not end within these bytes. */
export function jpegEnd(bytes: Uint8Array, start = 0): number | undefined {
  for (const { marker, end } of jpegSegments(bytes, start)) if (marker === jpegMarkers.eoi) return end;
  return undefined;
}

/** APP0 without a thumbnail. */
const longestApp0Bytes = 18;
const plainMarkers: ReadonlySet<number> = new Set(Object.values(jpegMarkers));

/**
 * Whether an image holds pixels and nothing else, in the form that every reader reads alike: baseline, three channels, one scan, tables of its own; no
 * thumbnail, profile, comment or position, and no byte behind its end. Says nothing about whether it decodes.
 */
export function isPlainJpeg(bytes: Uint8Array): boolean {
  const counts = new Map<number, number>();
  for (const { marker, start, end } of jpegSegments(bytes)) {
    counts.set(marker, (counts.get(marker) ?? 0) + 1);
    if (!plainMarkers.has(marker)) return false;
    if (marker === jpegMarkers.app0 && end - start > longestApp0Bytes) return false;
    if (marker === jpegMarkers.sof0 && bytes[start + 9] !== 3) return false;
    if (marker === jpegMarkers.sos && bytes[start + 4] !== 3) return false;
    if (marker === jpegMarkers.eoi && end !== bytes.length) return false;
  }
  const once = [jpegMarkers.sof0, jpegMarkers.sos, jpegMarkers.eoi].every((marker) => counts.get(marker) === 1);
  return once && counts.has(jpegMarkers.dht) && counts.has(jpegMarkers.dqt) && (counts.get(jpegMarkers.app0) ?? 0) <= 1;
}
