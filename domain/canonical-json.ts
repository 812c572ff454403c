import canonicalize from 'canonicalize';

/**
 * The one byte sequence of a JSON value (RFC 8785: sorted keys, shortest numbers), for digests and signatures.
 * Throws on what JSON cannot hold (undefined, functions, NaN, Infinity).
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('expected a JSON value, got one that JSON cannot hold');
  return text;
}
