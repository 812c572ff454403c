import assert from 'node:assert/strict';

import {
  maxParts,
  mediaAnswerSchema,
  mediaCompletionSchema,
  mediaPartAnswerSchema,
  mediaPartContentType,
  mediaStateSchema,
  partSizeOf,
  partsOf,
  wireLimits,
  wirePaths,
  type MediaAnswer,
  type MediaCompletion,
  type MediaPartAnswer,
  type MediaState,
} from '../../../fleet/protocol/index.ts';

const sha256 = 'ab'.repeat(32);
const { partBytes, maxClipBytes } = wireLimits;
const completion: MediaCompletion = {
  sizeBytes: partBytes + 1,
  parts: 2,
  camera: 'front',
  episodeId: '01J00000000000000000000000',
  startedAtUs: 1_780_000_000_000_000,
};
const takes = (more: object): boolean => mediaCompletionSchema.safeParse({ ...completion, ...more }).success;

describe('clips on the wire', () => {
  it('come in parts that cover every byte once, all but the last of one size', () => {
    for (const sizeBytes of [1, partBytes - 1, partBytes, partBytes + 1, 3 * partBytes, maxClipBytes]) {
      const sizes = Array.from({ length: partsOf(sizeBytes) }, (_, part) => partSizeOf(sizeBytes, part));
      assert.equal(
        sizes.reduce((sum, size) => sum + size, 0),
        sizeBytes,
      );
      assert.ok(sizes.slice(0, -1).every((size) => size === partBytes));
      assert.ok((sizes.at(-1) ?? 0) > 0);
      assert.equal(partSizeOf(sizeBytes, sizes.length), 0);
    }
    assert.equal(maxParts, maxClipBytes / partBytes);
  });

  it('complete with exactly the parts of their size, and what a clip must have', () => {
    assert.ok(takes({}));
    for (const parts of [0, 1, 3, 1.5, 1e9]) assert.equal(takes({ parts }), false);
    for (const sizeBytes of [0, -1, maxClipBytes + 1, 1e18]) assert.equal(takes({ sizeBytes }), false);
    assert.ok(takes({ sizeBytes: maxClipBytes, parts: maxParts }));
    for (const camera of ['', '../front', 'Front', 'a'.repeat(64)]) assert.equal(takes({ camera }), false);
    for (const episodeId of ['', 'x', '../../01J0000000000000000000']) assert.equal(takes({ episodeId }), false);
    for (const startedAtUs of [-1, 1.5, 2 ** 53]) assert.equal(takes({ startedAtUs }), false);
    assert.equal(takes({ sizeBytesToo: 1 }), false);
  });

  it('have paths of their own, and answers that say what is there', () => {
    assert.equal(wirePaths.media('robot-1', sha256), `/v1/robots/robot-1/media/${sha256}`);
    assert.equal(wirePaths.mediaPart('robot-1', sha256, 7), `/v1/robots/robot-1/media/${sha256}/parts/7`);
    assert.equal(mediaPartContentType, 'application/octet-stream');
    const state: MediaState = { outcome: 'partial', partBytes, received: [0, 2] };
    assert.deepEqual(mediaStateSchema.parse(state), state);
    const part: MediaPartAnswer = { sha256, part: 2, outcome: 'stored' };
    assert.deepEqual(mediaPartAnswerSchema.parse(part), part);
    const whole: MediaAnswer = { sha256, sizeBytes: 5, outcome: 'alreadyStored' };
    assert.deepEqual(mediaAnswerSchema.parse(whole), whole);
  });
});
