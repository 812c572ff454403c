import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { link, mkdir, readdir, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';

import * as fc from 'fast-check';

import type { Agent } from '../../../../fleet/agent/index.ts';
import { createLineProtocol, mostLineBytes } from '../../../../fleet/agent/line-protocol.ts';
import { boundedLines } from '../../../../fleet/agent/local/bounded-lines.ts';
import { temporaryDirectory } from '../robot.ts';
import { front, jpegImage, rawImage, seeingType, side } from './camera-robot.ts';

describe('images in lines of JSON', () => {
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let jpeg: Uint8Array;
  before(async () => {
    jpeg = await jpegImage(front, 1);
  });
  beforeEach(async () => {
    folder = await temporaryDirectory();
    await mkdir(path.join(folder.directory, 'images'));
  });
  afterEach(() => folder.remove());

  const images = (name: string): string => path.join(folder.directory, 'images', name);
  function world(imageFolder: string | undefined = path.join(folder.directory, 'images')) {
    const recorded: [string, number[], number | undefined][] = [];
    const decided: unknown[] = [];
    const answers: { id: unknown; result?: unknown; error?: string }[] = [];
    const decide = async (...args: unknown[]) => {
      decided.push(args[2]);
      return { action: [0], latencyMs: 1 };
    };
    const agent = {
      recordImage: (camera: string, bytes: Uint8Array, atUs?: number) => recorded.push([camera, [...bytes], atUs]),
      policy: () => ({ version: '1.0.0', decide }),
    } as unknown as Agent;
    const lines = createLineProtocol((line) => answers.push(JSON.parse(line) as (typeof answers)[number]), {
      robotType: seeingType,
      imageFolder,
      maxImageBytes: 100_000,
    });
    const say = async (line: object): Promise<string | undefined> => {
      await lines.handle(agent, JSON.stringify({ id: answers.length, ...line }));
      return answers.at(-1)?.error;
    };
    return { say, recorded, decided, answers, lines };
  }

  it('are base64, or files that are read and deleted', async () => {
    const { say, recorded } = world();
    const base64 = Buffer.from(jpeg).toString('base64');
    assert.equal(await say({ do: 'recordImage', camera: 'front', base64, atUs: 7 }), undefined);
    await writeFile(images('a.jpg'), jpeg);
    assert.equal(await say({ do: 'recordImage', camera: 'front', file: 'a.jpg' }), undefined);
    assert.deepEqual(recorded, [
      ['front', [...jpeg], 7],
      ['front', [...jpeg], undefined],
    ]);
    assert.deepEqual(await readdir(path.join(folder.directory, 'images')), []);
  });

  it('go into decisions: JPEG as it is, raw pixels with their size, grey as RGB', async () => {
    const { say, decided } = world();
    const shown = [
      { camera: 'front', base64: Buffer.from(jpeg).toString('base64') },
      { camera: 'side', base64: Buffer.from(rawImage(side, 1)).toString('base64') },
    ];
    assert.equal(await say({ do: 'decide', observation: [1], images: shown }), undefined);
    const { front: encoded, side: raw } = decided[0] as Record<
      string,
      { encoded: Uint8Array; rgb: Uint8Array; width: number }
    >;
    assert.deepEqual([...encoded!.encoded], [...jpeg]);
    assert.deepEqual([raw!.width, raw!.rgb.length], [16, 16 * 16 * 3]);
    assert.deepEqual(
      [...raw!.rgb.subarray(3, 6)],
      [3, 3, 3].map((step) => (step + 37) % 256),
    );
    assert.match(
      (await say({ do: 'decide', observation: [1], images: [{ camera: '__proto__', base64: 'aa' }] })) ?? '',
      /expected a camera/,
    );
  });

  it('refuse whatever leads out of the folder, waits for somebody or is too large', async () => {
    const { say, recorded } = world();
    const secret = path.join(folder.directory, 'secret');
    await writeFile(secret, jpeg);
    await symlink(secret, images('link.jpg'));
    await link(secret, images('hard.jpg'));
    await mkdir(images('folder.jpg'));
    execFileSync('/bin/sh', ['-c', 'mkfifo "$0"', images('pipe.jpg')]);
    await writeFile(images('huge.raw'), '');
    await truncate(images('huge.raw'), 10 * 1024 ** 3);
    for (const file of [
      '../secret',
      secret,
      'images/../../secret',
      '.hidden',
      '',
      'a\0b',
      'x'.repeat(300),
      'nothing.jpg',
      'link.jpg',
      'hard.jpg',
      'folder.jpg',
      'pipe.jpg',
      'huge.raw',
      '..',
    ])
      assert.match((await say({ do: 'recordImage', camera: 'front', file })) ?? '', /expected|Too big|too/i, file);
    assert.deepEqual(recorded, []);
    assert.deepEqual(await readdir(folder.directory), ['images', 'secret']);
    assert.match((await say({ do: 'recordImage', camera: 'front' })) ?? '', /expected an image as base64 or as file/);
    assert.match(
      (await say({ do: 'recordImage', camera: 'front', base64: 'A'.repeat(1_500_000) })) ?? '',
      /expected at most 1048576 bytes/,
    );
    assert.match(
      (await world(undefined).say({ do: 'recordImage', camera: 'front', base64: 'aa', file: 'a' })) ?? '',
      /base64 or as file/,
    );
    const without = createLineProtocol((line) => assert.match(line, /start the agent with --images FOLDER/), {
      robotType: seeingType,
      maxImageBytes: 1,
    });
    await without.handle({} as Agent, JSON.stringify({ do: 'recordImage', camera: 'front', file: 'a.jpg' }));
  });

  it('lines are bounded: a longer one is refused unread, and the next is obeyed', async () => {
    const read = async (chunks: readonly Uint8Array[], most: number) => {
      const lines: (string | undefined)[] = [];
      for await (const line of boundedLines(Readable.from(chunks), most)) lines.push(line);
      return lines;
    };
    assert.deepEqual(
      await read([Buffer.from('ab\ncd'), Buffer.from('ef\n'), Buffer.from('x'.repeat(9)), Buffer.from('\nlast')], 4),
      ['ab', 'cdef', undefined, 'last'],
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 20 }).filter((line) => !line.includes('\n'))),
        fc.integer({ min: 1, max: 9 }),
        async (lines, size) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
            bytes.subarray(index * size, (index + 1) * size),
          );
          assert.deepEqual(await read(chunks, 1_000), lines);
        },
      ),
      { numRuns: 50 },
    );
    const { lines, answers } = world();
    lines.tooLong();
    assert.match(answers[0]?.error ?? '', new RegExp(`at most ${mostLineBytes} bytes`));
  });
});
