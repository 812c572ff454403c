import type { ByteRange } from '../store/object-store.ts';

/**
 * The part of an object of `sizeBytes` that a header `Range` asks for (RFC 9110, section 14). `whole`: it asks for no single range of bytes, and the header
 * is to be passed over. `outside`: no byte of the range is there.
 */
export function byteRange(header: string | undefined, sizeBytes: number): ByteRange | 'whole' | 'outside' {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    const start = Math.max(0, sizeBytes - Number(last));
    return start < sizeBytes ? { start, end: sizeBytes } : 'outside';
  }
  const start = Number(first);
  const end = last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  // A last byte before the first one is no range at all.
  if (last !== '' && Number(last) < start) return 'whole';
  return start < sizeBytes ? { start, end } : 'outside';
}
