import assert from 'node:assert/strict';

import type { EpisodeFacts, EpisodeValues } from '../../../datasets/validation/episode-facts.ts';
import { maxStartBeforeRegistrationMs } from '../../../datasets/clock.ts';
import { conflictingDuplicate } from '../../../datasets/validation/episode-rules.ts';
import type { FrameFacts } from '../../../datasets/validation/frame-facts.ts';
import { violationsOf } from '../../../datasets/validation/rule.ts';
import { allRules, erasedRule, ownEpisodeRules } from '../../../datasets/validation/rules.ts';
import { segmentRules, type LandedSegmentFacts } from '../../../datasets/validation/segment-rules.ts';
import { receivedMs, type, validEpisode, validFrames, validSegment } from './valid-facts.ts';

const segmentCases: Readonly<Record<string, readonly Partial<LandedSegmentFacts>[]>> = {
  'segment.place': [{ landingRobotId: undefined }, { otherSha256: 'b'.repeat(64) }],
  'segment.unreadable': [
    { form: 'empty' },
    { form: 'gitLfsPointer' },
    { form: 'text' },
    { form: 'truncatedParquet' },
    { form: 'unknown' },
    { readError: 'bad page' },
  ],
  'segment.too-large': [{ rows: 1_000_000_000 }, { sizeBytes: 300_000_000 }, { rows: 1, mostValues: 1_000_000_000 }],
  'segment.pages': [{ pageProblem: 'media: expected at most 100 bytes of text, got 101' }],
  'segment.text-length': [{ longText: 'a text of 5000 bytes, media of 0' }],
  'segment.refused-episodes': [{ refusedEpisodes: 1001 }],
  'segment.schema-version': [
    { footer: { ...validSegment.footer, schemaVersion: 2 } },
    { footer: { ...validSegment.footer, schemaVersion: 0.5 } },
    { footer: withoutKey(validSegment.footer, 'schemaVersion') },
  ],
  'segment.columns': [{ columnProblems: ['outcome: expected string, got no such column'] }],
  'segment.empty': [{ rows: 0, mostValues: 0 }],
  'segment.robot': [
    { footer: { ...validSegment.footer, robotId: 'robot-002' } },
    { footer: withoutKey(validSegment.footer, 'robotId') },
  ],
  'segment.robot-type': [
    { footer: { ...validSegment.footer, robotType: 'scitos-g5@2' } },
    { footer: { ...validSegment.footer, robotTypeDigest: 'c'.repeat(64) } },
    { footer: withoutKey(validSegment.footer, 'robotTypeDigest') },
  ],
  'segment.clock-skew': [
    { footer: { ...validSegment.footer, clockSkewMs: 86_400_001 } },
    { footer: { ...validSegment.footer, clockSkewMs: -86_400_001 } },
    { footer: withoutKey(validSegment.footer, 'clockSkewMs') },
  ],
};

function withoutKey<T extends object>(value: T, key: keyof T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key)) as Partial<T>;
}

const episode = (values: Partial<EpisodeValues>): Partial<EpisodeFacts> => ({
  episode: { ...validEpisode.episode, ...values },
});
const frames = (facts: Partial<FrameFacts>): Partial<EpisodeFacts> => ({ frames: { ...validFrames, ...facts } });
const seventh = { row: 7, value: 'something' };
const startedMs = (validEpisode.episode.started_at ?? 0) / 1000;
const media = { sha256: 'd'.repeat(64), kind: 'video', startedAt: 1, durationMs: 5, key: 'media/a' };

/** Facts that break the rule; `row`, where it is about a frame. */
const episodeCases: Readonly<Record<string, readonly (Partial<EpisodeFacts> & { row?: number })[]>> = {
  'episode.missing-value': [episode({ site: null }), episode({ episode_id: null }), episode({ intervened: null })],
  'episode.id': [episode({ episode_id: 'not-a-ulid' }), episode({ episode_id: '01ke6j5r00abcdefghjkmnpqrs' })],
  'episode.contradictory-rows': [{ isContradictory: true }],
  'episode.robot': [episode({ robot_id: 'robot-002' })],
  'episode.robot-type': [episode({ robot_type: 'other' }), episode({ robot_type_version: 2 })],
  'episode.task': [episode({ task: 'dancing' })],
  'episode.outcome': [episode({ outcome: 'perfect' })],
  'episode.failure-reason': [
    episode({ failure_reason: 'stuck' }),
    episode({ outcome: 'failure' }),
    episode({ outcome: 'aborted', failure_reason: '' }),
  ],
  'episode.policy-version': [episode({ policy_version: 'newest' }), episode({ policy_version: '1.2' })],
  'episode.latency': [
    episode({ latency_p50_ms: 5, latency_p95_ms: 4 }),
    episode({ latency_p50_ms: -1 }),
    episode({ latency_p95_ms: Number.NaN }),
    episode({ latency_p95_ms: Number.POSITIVE_INFINITY }),
  ],
  'episode.media': [
    episode({ media: 'not json' }),
    episode({ media: '{}' }),
    episode({ media: JSON.stringify([{ ...media, sha256: 'short' }]) }),
  ],
  'episode.clips': [
    episode({ media: JSON.stringify([{ ...media, kind: 'camera:front', key: `media/${media.sha256}.mp4` }]) }),
  ],
  'episode.start': [{ clockSkewMs: startedMs - receivedMs - 300_001 }, { clockSkewMs: startedMs + 1 }],
  'episode.dated': [{ clockSkewMs: startedMs - Date.UTC(2000, 0, 1) + 1 }, episode({ started_at: receivedMs })],
  'episode.robot-life': [{ registeredMs: startedMs + maxStartBeforeRegistrationMs + 1 }],
  'episode.frame-count': [episode({ frame_count: 44 })],
  'episode.length': [
    { ...episode({ frame_count: 8 }), rows: 8, spannedRows: 8 },
    { ...episode({ frame_count: 5401 }), rows: 5401, spannedRows: 5401 },
  ],
  'episode.duration': [episode({ duration_ms: 4000 }), episode({ duration_ms: 6000 }), episode({ duration_ms: -1 })],
  'frames.missing-value': [{ ...frames({ missingValue: seventh }), row: 7 }],
  'frames.duplicate': [{ ...frames({ duplicateIndex: seventh }), row: 7 }],
  'frames.order': [{ ...frames({ indexOutOfOrder: seventh }), row: 7 }, { spannedRows: 90 }],
  'frames.missing': [{ ...frames({ missingIndex: seventh }), row: 7 }],
  'frames.time-order': [{ ...frames({ timeNotLater: seventh }), row: 7 }],
  'frames.gap': [{ ...frames({ largestGapUs: 600_000, largestGapRow: 9 }), row: 9 }],
  'frames.rate': [
    frames({ lastUs: validFrames.firstUs + 44 * 1111 }),
    frames({ lastUs: validFrames.firstUs + 44 * 222_300, largestGapUs: 222_300 }),
  ],
  'frames.instant': [
    frames({ firstUs: -1 }),
    frames({ lastUs: (receivedMs + 86_400_001) * 1000 }),
    { clockSkewMs: startedMs + 1 },
  ],
  'frames.outside-episode': [
    { ...frames({ firstUs: validFrames.firstUs - 1 }), row: 0 },
    { ...frames({ firstUs: validFrames.firstUs + 600_000 }), row: 0 },
  ],
  'frames.observation-size': [{ ...frames({ wrongObservationSize: seventh }), row: 7 }],
  'frames.non-finite': [{ ...frames({ nonFinite: seventh }), row: 7 }],
  'frames.observation-range': [{ ...frames({ outOfRange: seventh }), row: 7 }],
  'frames.dead-sensor': [frames({ constantObservations: ['US7'] })],
  'frames.action': [{ ...frames({ wrongAction: seventh }), row: 7 }],
  'frames.expert-action': [{ ...frames({ wrongExpertAction: seventh }), row: 7 }],
  'frames.correction-without-expert': [{ ...frames({ correctionWithoutExpert: seventh }), row: 7 }],
};

const ids = (violations: readonly { readonly rule: string }[]): readonly string[] => violations.map(({ rule }) => rule);

describe('validation rules', () => {
  it('find nothing wrong with a segment and an episode in order', () => {
    assert.deepEqual(violationsOf(segmentRules, validSegment, type), []);
    assert.deepEqual(violationsOf(ownEpisodeRules, validEpisode, type), []);
    assert.deepEqual(violationsOf([conflictingDuplicate], { twin: 'sameContent' }, type), []);
  });

  for (const [id, cases] of Object.entries(segmentCases)) {
    it(`${id} refuses a segment that breaks it`, () => {
      for (const change of cases) {
        const violations = violationsOf(segmentRules, { ...validSegment, ...change }, type);
        assert.deepEqual(ids(violations), [id], JSON.stringify(change));
        assert.ok(violations[0]!.value !== '' && violations[0]!.expected !== '');
      }
    });
  }

  for (const [id, cases] of Object.entries(episodeCases)) {
    it(`${id} refuses an episode that breaks it, and says what and where`, () => {
      for (const { row = null, ...change } of cases) {
        const violations = violationsOf(ownEpisodeRules, { ...validEpisode, ...change }, type);
        const found = violations.find(({ rule }) => rule === id);
        assert.ok(found !== undefined, `${id}: ${JSON.stringify(ids(violations))}`);
        assert.equal(found.row, row);
        assert.ok(found.value !== '' && found.expected !== '');
      }
    });
  }

  it('episode.conflicting-duplicate refuses other content under a stored id', () => {
    const violations = violationsOf([conflictingDuplicate], { twin: 'otherContent' }, type);
    assert.deepEqual(ids(violations), ['episode.conflicting-duplicate']);
  });

  it('are each tested here, broken and kept', () => {
    const tested = [...Object.keys(segmentCases), ...Object.keys(episodeCases), 'episode.conflicting-duplicate'];
    // What was erased is looked up, not measured: test/activities/erasure/erasure.test.ts.
    const measured = allRules.filter((rule) => rule !== erasedRule);
    assert.deepEqual(tested.toSorted(), measured.map(({ id }) => id).toSorted());
  });

  it('name the unit that instants were given in by mistake', () => {
    const said = (facts: Partial<EpisodeFacts>, id: string): string =>
      violationsOf(ownEpisodeRules, { ...validEpisode, ...facts }, type).find(({ rule }) => rule === id)?.value ?? '';
    assert.match(said(episode({ started_at: receivedMs }), 'episode.dated'), /1970-01-2.*milliseconds/);
    assert.match(said(episode({ started_at: Math.floor(receivedMs / 1000) }), 'episode.dated'), /seconds/);
    assert.match(said(episode({ started_at: receivedMs * 1e6 }), 'episode.start'), /nanoseconds/);
    const yearsLater = { registeredMs: startedMs + 400 * 86_400_000 };
    assert.match(
      said(yearsLater, 'episode.robot-life'),
      /400 days before the robot was registered; was the clock not set/,
    );
    const inMs = { firstUs: validFrames.firstUs, lastUs: validFrames.firstUs + 44 * 111 };
    assert.match(said(frames(inMs), 'frames.rate'), /^9009 Hz over 45 frames; do the instants count in milliseconds/);
    assert.match(
      said(frames({ lastUs: validFrames.firstUs + 44 * 1111 }), 'frames.rate'),
      /^900\.1 Hz over 45 frames$/,
    );
  });

  it('let the robot type say how steady its rate is', () => {
    const strict = { ...type, limits: { ...type.limits, rateToleranceFraction: 0.05 } };
    const slower = { ...validEpisode, ...frames({ lastUs: validFrames.firstUs + 44 * 120_000 }) };
    const rules = (of: typeof type) => ids(violationsOf(ownEpisodeRules, slower, of)).includes('frames.rate');
    assert.deepEqual([rules(strict), rules(type)], [true, false]);
  });

  it('leave a sound episode alone at the very limits', () => {
    const limits: readonly Partial<EpisodeFacts>[] = [
      { clockSkewMs: startedMs - receivedMs - 300_000 },
      { registeredMs: startedMs + maxStartBeforeRegistrationMs },
      { ...episode({ frame_count: 9 }), rows: 9, spannedRows: 9 },
      frames({ largestGapUs: 555_555 }),
      {
        ...frames({ count: 19, lastUs: validFrames.firstUs + 18 * 111_111, constantObservations: ['US7'] }),
        ...episode({ duration_ms: 2100 }),
      },
      episode({ latency_p50_ms: null, latency_p95_ms: null, policy_version: null }),
      episode({ media: JSON.stringify([media]) }),
      episode({ outcome: 'failure', failure_reason: 'stuck' }),
    ];
    for (const change of limits) {
      const facts = { ...validEpisode, ...change };
      assert.deepEqual(violationsOf(ownEpisodeRules, facts, type), [], JSON.stringify(change));
    }
    const camera = { name: 'front', width: 64, height: 48, rateHz: 9, colour: 'rgb', codec: 'jpeg' } as const;
    const seeing = { ...type, cameras: [{ ...camera, learned: { width: 64, height: 48 }, mayLeaveRobot: true }] };
    const clip = { ...media, kind: 'camera:front', key: `media/${media.sha256}.mp4` };
    const brokenBy = (...clips: readonly object[]) =>
      ids(violationsOf(ownEpisodeRules, { ...validEpisode, ...episode({ media: JSON.stringify(clips) }) }, seeing));
    assert.deepEqual(brokenBy(clip, media), []);
    for (const wrong of [
      [clip, clip],
      [{ ...clip, kind: 'camera:rear' }],
      [{ ...clip, kind: 'camera:' }],
      [{ ...clip, key: 'media/../keys/root.json' }],
      [{ ...clip, key: `media/${'e'.repeat(64)}.mp4` }],
    ])
      assert.deepEqual(brokenBy(...wrong), ['episode.clips'], JSON.stringify(wrong));
    const skewed = { ...validSegment, footer: { ...validSegment.footer, clockSkewMs: 86_400_000 } };
    assert.deepEqual(violationsOf(segmentRules, skewed, type), []);
  });

  it('let the robot type name sensors that may stay constant', () => {
    const lenient = { ...type, limits: { ...type.limits, mayBeConstant: ['US7'] } };
    const facts = { ...validEpisode, ...frames({ constantObservations: ['US7'] }) };
    assert.deepEqual(violationsOf(ownEpisodeRules, facts, lenient), []);
  });

  it('name the tasks that there are, the first twenty of many', () => {
    const tasksOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `t${index}`);
    const expectedOf = (count: number): string | undefined =>
      violationsOf(
        ownEpisodeRules,
        { ...validEpisode, ...episode({ task: 'dancing' }) },
        { ...type, tasks: tasksOf(count) },
      ).find(({ rule }) => rule === 'episode.task')?.expected;
    assert.equal(expectedOf(20), tasksOf(20).join(' | '));
    assert.equal(expectedOf(21), `${tasksOf(20).join(' | ')} | …`);
  });
});
