import assert from 'node:assert/strict';

import { withoutErasedWords } from '../../../activities/erasure/shown-images.ts';
import { withoutImages } from '../../../activities/evaluation/evaluation-frames.ts';
import { Html, html } from '../../../activities/report/html.ts';
import { shownImages } from '../../../activities/report/shown-images.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { episodeHash } from '../../../store/records/erasures.ts';

const [gone, stays] = ['01JD00000000000000000000E1', '01JD00000000000000000000E2'];
const hashes = new Set([episodeHash(gone)]);
const jpeg = (name: string): string => Buffer.from(name).toString('base64');
const seen = (episodeId: string | null | undefined, name: string) => ({
  ...(episodeId === undefined ? {} : { episodeId }),
  images: [{ camera: 'front', jpeg: jpeg(name) }],
});
const text = (value: unknown): string => new TextDecoder().decode(jsonBytes(value));

describe('images in documents', () => {
  const frames = [seen(gone, 'gone'), seen(stays, 'stays'), seen(null, 'unknown'), seen(undefined, 'of old')];

  it('go with their episode, and where nobody knows whose they are; others stay to the byte', () => {
    const before = text({ disagreements: frames, misclassified: { frames: 9, listed: frames }, images: { front: 3 } });
    const after = withoutErasedWords(before, hashes);
    for (const name of ['gone', 'unknown', 'of old']) assert.ok(!after.includes(jpeg(name)), name);
    assert.equal(after.split(jpeg('stays')).length, 3);
    assert.ok(!after.includes(gone) && after.includes(stays));
    assert.deepEqual((JSON.parse(after) as { images: unknown }).images, { front: 3 });
    assert.equal(withoutErasedWords(after, hashes), after, 'again');
    const others = text({ disagreements: [seen(stays, 'stays')] });
    assert.equal(withoutErasedWords(others, hashes), others);
    const [damaged] = before.split('unknown');
    assert.ok(!withoutErasedWords(damaged!.slice(0, -9), hashes).includes(jpeg('gone')), 'damaged');
  });

  it('of a report go the same way', () => {
    const page = html`<td>${frames.flatMap((each) => shownImages(each))}</td>`;
    assert.ok(page instanceof Html);
    const before = `${page.text}<img alt="" src="data:image/jpeg;base64,${jpeg('of old')}" />`;
    const after = withoutErasedWords(before, hashes);
    assert.equal(before.split('<img').length, 6);
    assert.equal(after.split('<img').length, 2);
    assert.ok(after.includes(jpeg('stays')));
  });

  it('are in no version of the registry, and nothing else is lost on the way there', () => {
    const rest = { passed: 'pass', gates: [] };
    const bare = { ...rest, disagreements: [{ ...seen(gone, 'gone'), images: [] }] };
    const miss = { ...seen(stays, 'stays'), chosen: 'left' };
    const document = { ...rest, disagreements: [seen(gone, 'gone')], misclassified: { frames: 2, listed: [miss] } };
    assert.deepEqual(JSON.parse(new TextDecoder().decode(withoutImages(jsonBytes(document)))), {
      ...bare,
      misclassified: { frames: 2, listed: [{ ...miss, images: [] }] },
    });
    const plain = jsonBytes(rest);
    assert.equal(withoutImages(plain), plain);
  });
});
