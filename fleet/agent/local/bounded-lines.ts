const newline = 0x0a;

/** The lines of a stream of bytes, decoded as UTF-8, without their ends; undefined for one longer than `mostBytes`, which is not kept. */
export async function* boundedLines(
  source: AsyncIterable<Uint8Array>,
  mostBytes: number,
): AsyncGenerator<string | undefined, void, undefined> {
  let pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  const add = (piece: Uint8Array): void => {
    sizeBytes += piece.length;
    if (sizeBytes <= mostBytes) pieces.push(piece);
    else pieces = [];
  };
  const take = (): string | undefined => {
    const line = sizeBytes <= mostBytes ? Buffer.concat(pieces).toString('utf8') : undefined;
    pieces = [];
    sizeBytes = 0;
    return line;
  };
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      add(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    add(chunk.subarray(start));
  }
  if (sizeBytes > 0) yield take();
}
