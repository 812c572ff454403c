import type { Clip } from './read-clip.ts';

/**
 * The codec of a clip as browsers name it (RFC 6381; for AV1 the parameters string of "AV1 Codec ISO Media File Format Binding" 1.2, section 5): profile and level
 * from the decoder's configuration. undefined: the file does not say them.
 *
 * H.264 high profile, level 3.1 → `avc1.64001f`; AV1 main profile, level 3.1, main tier, 8 bits → `av01.0.05M.08`
 */
export function codecText({ codec, configuration }: Pick<Clip, 'codec' | 'configuration'>): string | undefined {
  if (codec === 'jpeg') return 'jpeg';
  const [, first, second, third] = configuration ?? [];
  if (first === undefined || second === undefined || third === undefined) return undefined;
  if (codec === 'h264')
    return `avc1.${[first, second, third].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  const profile = first >> 5;
  const level = String(first & 0x1f).padStart(2, '0');
  const [isHighTier, isHighDepth, isTwelve] = [0x80, 0x40, 0x20].map((bit) => (second & bit) !== 0);
  const depth = isHighDepth === true ? (profile === 2 && isTwelve === true ? 12 : 10) : 8;
  return `av01.${profile}.${level}${isHighTier === true ? 'H' : 'M'}.${String(depth).padStart(2, '0')}`;
}
