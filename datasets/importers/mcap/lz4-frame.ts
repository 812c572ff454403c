import { McapProblem } from './byte-cursor.ts';

const magic = 0x18_4d_22_04;
const damaged = (): McapProblem => new McapProblem('LZ4 data that is damaged');

/**
 * Decompresses LZ4 frames (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md) to exactly `size` bytes, which is all that it allocates.
 * `McapProblem` for anything else: damaged data, more or fewer bytes, a dictionary. Checksums are not checked: a chunk has its own.
 */
export function decompressLz4(source: Uint8Array, size: number): Uint8Array {
  const target = new Uint8Array(size);
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  let at = 0;
  let filled = 0;
  const u32 = (): number => {
    if (at + 4 > source.length) throw damaged();
    at += 4;
    return view.getUint32(at - 4, true);
  };
  while (at < source.length) {
    if (u32() !== magic) throw damaged();
    const flags = source[at] ?? 0;
    if (flags >> 6 !== 1 || (flags & 1) !== 0) throw new McapProblem('an LZ4 frame of a kind that is not read');
    // Flags, block size, content size, checksum of the head.
    at += 2 + ((flags & 8) === 0 ? 0 : 8) + 1;
    for (;;) {
      const head = u32();
      if (head === 0) break;
      const length = head & 0x7f_ff_ff_ff;
      if (length > source.length - at) throw damaged();
      const block = source.subarray(at, at + length);
      if (head >>> 31 === 1) {
        if (length > size - filled) throw damaged();
        target.set(block, filled);
        filled += length;
      } else filled = decompressBlock(block, target, filled);
      at += length + ((flags & 16) === 0 ? 0 : 4);
    }
    at += (flags & 4) === 0 ? 0 : 4;
  }
  if (filled !== size) throw damaged();
  return target;
}

/** One block (lz4_Block_format.md): literals and copies of what stands before, also of earlier blocks. The new end of `target`. */
function decompressBlock(source: Uint8Array, target: Uint8Array, from: number): number {
  let at = 0;
  let to = from;
  const rest = (start: number): number => {
    let length = start;
    if (start < 15) return length;
    for (;;) {
      const more = source[at];
      if (more === undefined) throw damaged();
      at += 1;
      length += more;
      if (more < 255) return length;
    }
  };
  while (at < source.length) {
    const token = source[at] ?? 0;
    at += 1;
    const literals = rest(token >> 4);
    if (literals > source.length - at || literals > target.length - to) throw damaged();
    if (literals < 32) for (let index = 0; index < literals; index += 1) target[to + index] = source[at + index] ?? 0;
    else target.set(source.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    // The last sequence has no copy.
    if (at >= source.length) return to;
    if (at + 2 > source.length) throw damaged();
    const offset = (source[at] ?? 0) | ((source[at + 1] ?? 0) << 8);
    at += 2;
    const length = rest(token & 15) + 4;
    if (offset === 0 || offset > to || length > target.length - to) throw damaged();
    if (offset >= length && length >= 32) target.copyWithin(to, to - offset, to - offset + length);
    else for (let index = 0; index < length; index += 1) target[to + index] = target[to + index - offset] ?? 0;
    to += length;
  }
  return to;
}
