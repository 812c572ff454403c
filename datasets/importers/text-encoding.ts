/** How the characters of a text table may be written, by their names in the Encoding Standard of the WHATWG. */
export const textEncodings = [
  'utf-8',
  'utf-16le',
  'utf-16be',
  'windows-1250',
  'windows-1251',
  'windows-1252',
  'shift_jis',
  'gb18030',
  'euc-kr',
] as const;
export type TableEncoding = (typeof textEncodings)[number];

/** Text in UTF-8, whatever it was written in; without an encoding UTF-8, or UTF-16 where a byte order mark says so. */
export async function* inUtf8(
  chunks: AsyncIterable<Buffer>,
  encoding: TableEncoding | undefined,
): AsyncGenerator<Buffer> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let found = encoding;
  let first: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    // A byte order mark has two bytes, and a character may begin in one piece and end in the next.
    if (found === undefined && first.length < 2) continue;
    found ??= markedAs(first) ?? 'utf-8';
    if (found !== 'utf-8') decoder ??= new TextDecoder(found);
    yield decoder === undefined ? first : Buffer.from(decoder.decode(first, { stream: true }));
    first = Buffer.alloc(0);
  }
  yield decoder === undefined ? first : Buffer.from(decoder.decode(first));
}

/** What the beginning of a text is written in: its byte order mark says it; bytes that are no UTF-8 are most likely those of Windows in western Europe. */
export function guessTextEncoding(beginning: Uint8Array): TableEncoding {
  const marked = markedAs(beginning);
  if (marked !== undefined) return marked;
  try {
    // The last character may be cut.
    new TextDecoder('utf-8', { fatal: true }).decode(beginning, { stream: true });
    return 'utf-8';
  } catch {
    return 'windows-1252';
  }
}

function markedAs([first, second]: Uint8Array): TableEncoding | undefined {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
}
