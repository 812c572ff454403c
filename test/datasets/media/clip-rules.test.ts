import assert from 'node:assert/strict';

import { cameraSchema } from '../../../datasets/camera.ts';
import { maxClipBytes } from '../../../datasets/media/clip-format.ts';
import { clipRules, type ClipFacts, type SeenClip } from '../../../datasets/media/clip-rules.ts';
import { imageOfFrame } from '../../../datasets/media/image-of-frame.ts';
import { violationsOf } from '../../../datasets/validation/rule.ts';
import { type } from '../validation/valid-facts.ts';

const camera = cameraSchema.parse({
  name: 'front',
  width: 640,
  height: 480,
  rateHz: 10,
  colour: 'rgb',
  codec: 'h264',
  learned: { width: 64, height: 48 },
  mayLeaveRobot: true,
});
const instants = (images: number, periodUs = 100_000) => Array.from({ length: images }, (_, index) => index * periodUs);
const seen: SeenClip = { codec: 'h264', width: 640, height: 480, atUs: instants(100), dark: 0, unchanged: 0 };
const valid: ClipFacts = {
  camera,
  sha256: 'a'.repeat(64),
  gotSha256: 'a'.repeat(64),
  sizeBytes: 1_000_000,
  startedUs: 1_764_000_000_000_000,
  episodeStartedUs: 1_764_000_000_000_000,
  durationMs: 10_000,
  seen,
};
const broken = (facts: ClipFacts) => violationsOf(clipRules, facts, type).map(({ rule }) => rule);
const seeing = (change: Partial<SeenClip>, facts: Partial<ClipFacts> = {}): ClipFacts => ({
  ...valid,
  ...facts,
  seen: { ...seen, ...change },
});
const late = (us: number): ClipFacts => ({ ...valid, startedUs: valid.startedUs + us });

/** By rule: what just passes, and what just does not. */
const cases: Readonly<Record<string, { readonly passes: readonly ClipFacts[]; readonly fails: readonly ClipFacts[] }>> =
  {
    'media.size': {
      passes: [
        { ...valid, sizeBytes: maxClipBytes },
        { ...valid, sizeBytes: 1 },
      ],
      fails: [
        { ...valid, sizeBytes: maxClipBytes + 1 },
        { ...valid, sizeBytes: 0 },
      ],
    },
    'media.hash': { passes: [valid], fails: [{ ...valid, gotSha256: 'b'.repeat(64) }] },
    'media.decodes': {
      passes: [{ ...valid, seen: undefined }],
      fails: [
        { ...valid, seen: { fault: 'truncated', message: 'cut' } },
        { ...valid, seen: { fault: 'timeLimit', message: 'slow' } },
      ],
    },
    'media.format': {
      passes: [seeing({ codec: 'jpeg' })],
      fails: [seeing({ codec: 'av1' }), seeing({ width: 320 }), seeing({ height: 481 })],
    },
    'media.frame-count': {
      passes: [
        seeing({ atUs: instants(100) }, { durationMs: 9_900 }),
        // Two are missing in the middle, at the end, or come beside.
        seeing({ atUs: instants(100).filter((at) => at < 4_000_000 || at > 4_100_000) }),
        seeing({ atUs: instants(98) }),
        seeing({ atUs: [...instants(100), 9_910_000, 9_920_000] }, { durationMs: 9_920 }),
        // Ten minutes at 29.97 of 30 images a second.
        seeing(
          { atUs: instants(17_982, 1_000_000 / 29.97) },
          { camera: { ...camera, rateHz: 30 }, durationMs: 600_000 },
        ),
      ],
      fails: [
        seeing({ atUs: instants(100).filter((at) => at < 4_000_000 || at > 4_200_000) }),
        seeing({ atUs: instants(97) }),
        seeing({ atUs: instants(199, 50_000) }),
        seeing(
          { atUs: instants(17_900, 1_000_000 / 29.83) },
          { camera: { ...camera, rateHz: 30 }, durationMs: 600_000 },
        ),
      ],
    },
    'media.time-offset': {
      passes: [late(150_000), late(-150_000)],
      fails: [late(500_000), late(150_001), late(-150_001), late(-500_000)],
    },
    'media.black': { passes: [seeing({ dark: 50 })], fails: [seeing({ dark: 51 }), seeing({ dark: 100 })] },
    'media.frozen': {
      passes: [seeing({ unchanged: 89 }), seeing({ atUs: instants(19), unchanged: 18 }, { durationMs: 1_900 })],
      fails: [seeing({ unchanged: 90 }), seeing({ atUs: instants(20), unchanged: 19 }, { durationMs: 2_000 })],
    },
  };

describe('rules of clips', () => {
  it('let a sound clip pass', () => assert.deepEqual(broken(valid), []));

  for (const { id } of clipRules)
    it(`${id} passes what is just right, and names what is just not, with value and expectation`, () => {
      for (const facts of cases[id]?.passes ?? [])
        assert.deepEqual(broken(facts), [], JSON.stringify(facts).slice(0, 200));
      const failing = cases[id]?.fails ?? [];
      assert.ok(failing.length > 0);
      for (const facts of failing) {
        const violations = violationsOf(clipRules, facts, type);
        assert.deepEqual(
          violations.map(({ rule }) => rule),
          [id],
        );
        assert.ok(violations.every(({ value, expected }) => value !== '' && expected !== ''));
      }
    });

  it('and what a frame sees: the last image at or before it, not older than two periods', () => {
    const images = [0, 100, 200, 500];
    assert.deepEqual(
      [-1, 0, 99, 100, 299, 400, 401, 499, 500, 700, 701].map((at) => imageOfFrame(images, at, 100)),
      ['beforeFirst', 0, 0, 1, 2, 2, 'tooOld', 'tooOld', 3, 3, 'tooOld'],
    );
    assert.equal(imageOfFrame([], 5, 100), 'beforeFirst');
  });
});
