import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { leadOf, partOf } from '../../../../datasets/importers/lerobot/video-part.ts';
import { videoPathOf } from '../../../../datasets/importers/lerobot/video-path.ts';
import { imageOfFrame } from '../../../../datasets/media/image-of-frame.ts';

const fps = 30;
/** Instants of a file at 30 images a second, as whole units of a 15,360th of a second. */
const instants = (images: number): Float64Array =>
  Float64Array.from({ length: images }, (_, image) => (image * 512 * 1e6) / 15_360);

describe('images of an episode in a video', () => {
  it('are those from its first row to its last, wherever they are in a file', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 1, max: 200 }),
        fc.nat(50),
        (before, rows, behind) => {
          const atUs = instants(before + rows + behind);
          const part = partOf({ atUs }, { times: { fromS: before / fps, toS: (before + rows) / fps }, rows, fps });
          assert.ok(typeof part !== 'string');
          assert.deepEqual([part.atUs.length, part.behind], [rows, behind]);
          // A decoder that drops what is earlier begins with the first image of the episode.
          assert.equal(
            atUs.findIndex((at) => at >= part.fromUs),
            before,
          );
        },
      ),
    );
  });

  it('are none where one is missing in the middle, where the file is too short, and where the times are other ones', () => {
    const rows = 10;
    const of = (atUs: Float64Array, fromS = 0, toS = fromS + rows / fps) =>
      partOf({ atUs }, { times: { fromS, toS }, rows, fps });
    const gap = instants(20).filter((_, image) => image !== 5);
    assert.equal(of(gap), 'not one image at the time of each row');
    assert.equal(of(instants(9)), 'fewer images than the episode has rows');
    assert.equal(of(instants(20), 1), 'the file ends before the episode begins');
    assert.equal(of(instants(0)), 'the file ends before the episode begins');
    assert.equal(of(instants(20), 0, 0.5), 'from_timestamp and to_timestamp do not fit the length of the episode');
    assert.equal(of(instants(20).map((at) => at * 2)), 'not one image at the time of each row');
    assert.equal(typeof of(instants(10)), 'object');
  });

  it('are seen by their own rows, whose times are rounded otherwise', () => {
    const rowTimes = fc.array(fc.integer({ min: -90, max: 90 }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(rowTimes, (beside) => {
        const images: readonly number[] = Array.from(instants(beside.length), (at) => Math.round(at));
        const rows = images.map((at, row) => at + (row === 0 ? 0 : (beside[row] ?? 0)));
        const lead: number = leadOf(images, rows) ?? assert.fail();
        assert.ok(lead <= 90);
        for (const [row, at] of rows.entries())
          assert.equal(
            imageOfFrame(
              images.map((us) => us - lead),
              at,
              1e6 / fps,
            ),
            row,
          );
      }),
    );
    assert.equal(leadOf([0, 100, 200], [0, 300, 400]), undefined);
  });
});

describe('paths of videos', () => {
  const of = (pattern: string, key = 'observation.images.top') =>
    videoPathOf(pattern, key, new Map([['file_index', 7]]));

  it('fill in key and numbers', () => {
    assert.equal(of('videos/{video_key}/file-{file_index:03d}.mp4'), 'videos/observation.images.top/file-007.mp4');
    assert.equal(of('v/{file_index}.mp4'), 'v/7.mp4');
  });

  it('stay within the data set, and ask for nothing unknown', () => {
    for (const pattern of [
      '../{file_index}.mp4',
      '/etc/passwd',
      'a//b',
      './a',
      'a\\\\b',
      '{home}/a',
      'a{',
      '{file_index:03d',
    ])
      assert.equal(of(pattern), undefined, pattern);
    assert.equal(of('videos/{video_key}/a.mp4', '..'), undefined);
    assert.equal(of('videos/{video_key}/a.mp4', '../../x'), undefined);
  });
});
