import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { readClip } from '../../../../datasets/media/read-clip.ts';
import { childClipMaker } from '../../../../fleet/agent/adapters/child-clip-maker.ts';
import { createImageLog } from '../../../../fleet/agent/images/image-log.ts';
import { toolForTest } from '../../../support/tool.ts';
import { isAlive } from '../../../support/is-alive.ts';
import { temporaryDirectory, until } from '../robot.ts';
import { front, jpegImage } from './camera-robot.ts';

const instants = [0, 90_001, 200_000, 1_333_333];

describe('a robot’s encoder', function () {
  this.timeout(120_000);
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let log: string;
  beforeEach(async () => {
    folder = await temporaryDirectory();
    log = path.join(folder.directory, 'log');
    const images = createImageLog(
      log,
      '01HZZZZZZZZZZZZZZZZZZZZZZZ',
      { ...front, codec: 'h264' },
      async () => undefined,
    );
    for (const [index, atUs] of instants.entries()) images.append('jpeg', 1e15 + atUs, await jpegImage(front, index));
    images.close();
  });
  afterEach(() => folder.remove());

  /** A program that calls itself an ffmpeg which can everything, and does something else. */
  async function pretender(does: string): Promise<string> {
    const file = path.join(folder.directory, 'ffmpeg');
    const says =
      'case "$*" in *-version*) echo "ffmpeg version 6.0.0 x"; exit 0;; *-encoders*) printf " V..... libx264  H\\n V..... libsvtav1  A\\n"; exit 0;; esac';
    await writeFile(file, `#!/bin/sh\n${says}\nfor last; do :; done; last="\${last#file:}"\n${does}\n`);
    await chmod(file, 0o755);
    return file;
  }
  async function make(ffmpeg: string | undefined, encodeTimeoutMs = 60_000) {
    const environment = ffmpeg === undefined ? {} : { FLYWHEEL_FFMPEG: ffmpeg };
    const maker = childClipMaker({ environment, encodeTimeoutMs });
    const target = path.join(folder.directory, 'clip');
    const made = await maker.make(log, target, new AbortController().signal);
    const bytes = await readFile(target);
    const clip = await readClip({ sizeBytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) });
    assert.deepEqual(
      clip.samples.map(({ atUs }) => atUs),
      instants,
    );
    assert.equal(made.sizeBytes, bytes.length);
    assert.deepEqual(
      (await readdir(folder.directory)).filter((name) => name.startsWith('clip.')),
      [],
    );
    return { codec: clip.codec, problem: made.problem };
  }

  it('makes H.264 of the clip, and leaves every instant as it is', async function () {
    assert.deepEqual(await make(await toolForTest(this, 'ffmpeg')), { codec: 'h264', problem: undefined });
  });

  it('that hangs, fails, changes images or writes nonsense costs the coding alone', async () => {
    const hung = await make(await pretender(`echo $$ > ${folder.directory}/pid; exec sleep 600`), 500);
    assert.equal(hung.codec, 'jpeg');
    assert.match(hung.problem ?? '', /SIGKILL/);
    const pid = Number(await readFile(path.join(folder.directory, 'pid'), 'utf8'));
    await until('the encoder is gone', () => !isAlive(pid));
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['echo no such thing >&2; exit 3', /exit code 3: no such thing/],
      [`cp ${folder.directory}/clip "$last"`, /expected h264 of the encoder, got jpeg/],
      ['echo nonsense > "$last"', /expected an MP4 file/],
      ['exit 0', /ENOENT/],
    ];
    for (const [does, why] of wrong) {
      await rm(path.join(folder.directory, 'clip'));
      const other = await make(await pretender(does));
      assert.equal(other.codec, 'jpeg');
      assert.match(other.problem ?? '', why);
    }
  });

  it('that is missing, too old or without the codec is said in one clear sentence', async () => {
    const coded = [{ ...front, codec: 'h264' as const }];
    const none = await childClipMaker({ environment: {} }).check(coded);
    assert.match(
      none ?? '',
      /clips stay motion JPEG.*expected ffmpeg \(5\.1\.0 or newer\) for h264 on the PATH or in FLYWHEEL_FFMPEG, got none/,
    );
    const wrong = await childClipMaker({ environment: { FLYWHEEL_FFMPEG: '/bin/true' } }).check(coded);
    assert.match(wrong ?? '', /FLYWHEEL_FFMPEG: expected the absolute path of an ffmpeg/);
    assert.equal(await childClipMaker({ environment: {} }).check([front]), undefined);
    assert.equal(
      await childClipMaker({ environment: {} }).check([{ ...front, codec: 'av1', mayLeaveRobot: false }]),
      undefined,
    );
  });
});
