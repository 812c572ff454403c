import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as fc from 'fast-check';

import { csvLines, parsedLines, type CsvLine } from '../../../datasets/importers/csv-lines.ts';

describe('lines of a text table', () => {
  let folder = '';
  before(async () => (folder = await mkdtemp(join(tmpdir(), 'flywheel-csv-lines-'))));
  after(() => rm(folder, { recursive: true, force: true }));

  type Told = readonly (readonly [number, readonly string[]])[];
  async function told(lines: AsyncIterable<readonly CsvLine[]>): Promise<Told | string> {
    const found: (readonly [number, readonly string[]])[] = [];
    try {
      for await (const batch of lines) found.push(...batch.map(({ place, cells }) => [place, cells] as const));
      return found;
    } catch (error) {
      return (error as Error).message;
    }
  }
  async function both(bytes: Uint8Array, separator = ','): Promise<readonly [Told | string, Told | string]> {
    const file = join(folder, 'a.csv');
    await writeFile(file, bytes);
    async function* chunks() {
      yield Buffer.from(bytes);
    }
    return [
      await told(csvLines(file, separator)),
      await told(parsedLines({ file, separator, chunks: chunks(), linesBefore: 0, lineEnd: undefined })),
    ];
  }

  it('are those that a parser finds, whatever the text: split as they are, or parsed from the first quote on', async () => {
    const piece = fc.constantFrom(
      'a',
      '1.5',
      '-2',
      ',',
      ',',
      ';',
      '\n',
      '\n',
      '\n',
      '\r\n',
      '\r',
      '"',
      '""',
      ' ',
      '\t',
      '\u00a0',
      'é',
      '\ufeff',
    );
    const mostly = fc.constantFrom('a', '7', ',', ',', '\n', ' ', 'é');
    const text = fc
      .oneof(fc.array(piece, { maxLength: 40 }), fc.array(mostly, { maxLength: 60 }))
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom(',', ';', '\t'), async (content, separator) => {
        const [ours, parsers] = await both(Buffer.from(content), separator);
        assert.deepEqual(ours, parsers);
      }),
      { numRuns: 40 },
    );
  });

  it('are the same over the edges of what is read at once, with a quote, a byte order mark or another line end late in the file', async () => {
    const line = (index: number, end: string) => `${index},${'x'.repeat(index % 50)},${index / 8}${end}`;
    for (const [end, late] of [
      ['\n', ''],
      ['\r\n', ''],
      ['\n', '7,"a, b",8\n'],
      ['\r\n', '7,"a\nb",8\r\n'],
      ['\n', 'a,b\r\n'],
      ['\r\n', 'a,b\nc,d\r\n'],
      ['\n', '\n\n , ,\n9,9,9'],
      ['\n', 'open,"quote\n'],
    ] as const) {
      const lines = Array.from({ length: 9_000 }, (_, index) => line(index, end)).join('');
      const [ours, parsers] = await both(Buffer.from(`${lines}${late}1,2,3${end}`));
      assert.deepEqual(ours, parsers);
    }
    const [marked, parsersMarked] = await both(Buffer.from('\ufeffa,b\n1,2\n'));
    assert.deepEqual(marked, parsersMarked);
    const [wide] = await both(Buffer.from('\ufeffa,b\n1,"ü"\n', 'utf16le'));
    assert.deepEqual(wide, [
      [1, ['a', 'b']],
      [2, ['1', 'ü']],
    ]);
    const [ours, parsers] = await both(Buffer.from([0x61, 0xff, 0x2c, 0xc3, 0x0a, 0xe2, 0x82, 0x2c, 0x62]));
    assert.deepEqual(ours, parsers);
  });

  it('that never end are refused with the line, and so are lines with too many cells', async () => {
    const long = Buffer.alloc(4.6 * 1024 * 1024, 'x');
    const [ours] = await both(Buffer.concat([Buffer.from('a,b\n1,2\n'), long]));
    assert.match(String(ours), /a line of more than 4194304 bytes.*line=3\]/);
    const [wide] = await both(Buffer.from(`a\n${','.repeat(10_000)}\n`));
    assert.match(String(wide), /at most 10000 cells in a line, got 10001 .*line=2\]/);
  });
});
