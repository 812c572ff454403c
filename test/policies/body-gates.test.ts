import assert from 'node:assert/strict';

import type { Answers } from '../../policies/evaluation/contestant.ts';
import { heldoutTally } from '../../policies/evaluation/heldout-tally.ts';
import { bodyVerdicts, type BodyFacts } from '../../policies/gates/index.ts';
import { policySizes } from '../../policies/policy-io.ts';
import { testRobotType } from '../activities/training/arrow-sets.ts';

const type = testRobotType({ actions: { kind: 'discrete', names: ['ahead', 'turn', 'brake'] } });
const frames = 50;

const rightOn = (right: number): Answers => ({
  outputs: new Float32Array(3 * frames),
  chosen: new Int32Array(frames),
  agrees: Uint8Array.from({ length: frames }, (_, row) => (row < right ? 1 : 0)),
});

/** Held-out episodes of bodies, each with how many of 50 frames candidate and champion get right. */
function judged(
  bodies: readonly { episodes: number; candidate: number; champion?: number; isOwnOfBoth?: boolean }[],
  least?: number,
) {
  const hasChampion = bodies.some(({ champion }) => champion !== undefined);
  const tally = heldoutTally({
    type,
    sizes: policySizes(type) ?? assert.fail(),
    others: hasChampion ? ['champion'] : [],
    ...(hasChampion ? { reference: 'champion' } : {}),
    majorityLabel: undefined,
  });
  let number = 0;
  for (const [body, { episodes, candidate, champion }] of bodies.entries())
    for (let episode = 0; episode < episodes; episode += 1) {
      const block = {
        rows: frames,
        observation: new Float32Array(3 * frames),
        task: new Int32Array(frames),
        label: new Int32Array(frames),
        weight: new Float32Array(frames).fill(1),
      };
      const of = (value: number) => new Int32Array(frames).fill(value);
      const own = candidate - (episode % 3);
      const other = champion === undefined ? {} : { champion: rightOn(champion - (episode % 2)) };
      tally.add({ block, episodes: of(number), robots: undefined, bodies: of(body) }, rightOn(own), other);
      number += 1;
    }
  const outcome = tally.finish();
  const facts: BodyFacts[] = outcome.bodies.map(({ body, ...rest }) => ({
    ...rest,
    robotType: `rover@${body + 1}`,
    isOwnOfBoth: bodies[body]?.isOwnOfBoth === true,
  }));
  const limits = {
    ...type.limits,
    minAgreementFraction: 0.7,
    ...(least === undefined ? {} : { minBodyEpisodes: least }),
  };
  return { outcome, verdicts: bodyVerdicts(facts, { limits }) };
}
const failing = ({ gates }: ReturnType<typeof judged>['verdicts'][number]): string[] =>
  gates.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id);

describe('a candidate on each body apart', () => {
  it('counts episodes, frames and agreement by body, and nothing where a set does not say whose rows are', () => {
    const { outcome } = judged([
      { episodes: 3, candidate: 50, champion: 40 },
      { episodes: 1, candidate: 10, champion: 10 },
    ]);
    assert.deepEqual(
      outcome.bodies.map(({ body, episodes, frames: count, agreeingFrames }) => [
        body,
        episodes,
        count,
        agreeingFrames,
      ]),
      [
        [0, 3, 150, 147],
        [1, 1, 50, 10],
      ],
    );
    assert.equal(
      outcome.bodies.reduce((sum, { frames: count }) => sum + count, 0),
      outcome.frames,
    );
  });

  it('is proven with enough episodes that agree and are not worse; every gate says value, limit and sample size', () => {
    const { verdicts } = judged([{ episodes: 40, candidate: 48, champion: 47 }]);
    assert.equal(verdicts[0]?.standing, 'proven');
    for (const gate of verdicts[0]?.gates ?? []) {
      assert.ok(gate.value !== null && gate.limit !== null && gate.sampleSize === 40, gate.id);
      assert.match(gate.sentence, /rover@1/);
    }
  });

  it('is unproven with few episodes, as the robot type says or 30, with poor agreement, or where the champion is better', () => {
    const { verdicts } = judged([
      { episodes: 29, candidate: 48, champion: 47 },
      { episodes: 40, candidate: 20, champion: 20 },
      { episodes: 40, candidate: 40, champion: 50 },
      { episodes: 40, candidate: 48, champion: 47 },
    ]);
    assert.deepEqual(verdicts.map(failing), [['body.episodes'], ['body.agreement'], ['body.champion'], []]);
    assert.deepEqual(
      verdicts.map(({ standing }) => standing),
      ['unproven', 'unproven', 'unproven', 'proven'],
    );
    assert.equal(judged([{ episodes: 29, candidate: 48, champion: 47 }], 29).verdicts[0]?.standing, 'proven');
    assert.deepEqual(
      failing(judged([{ episodes: 40, candidate: 48, champion: 47 }], 41).verdicts[0] ?? assert.fail()),
      ['body.episodes'],
    );
  });

  it('of the body that candidate and champion were made for needs no number of episodes because another body came, but agreement and to be no worse', () => {
    const other = { episodes: 1, candidate: 48, champion: 47 };
    const own = { episodes: 25, candidate: 48, champion: 47, isOwnOfBoth: true };
    const { verdicts } = judged([own, other]);
    assert.deepEqual(verdicts.map(failing), [[], ['body.episodes']]);
    const [enough] = verdicts[0]?.gates ?? [];
    assert.deepEqual([enough?.value, enough?.limit, enough?.sampleSize], [25, 1, 25]);
    assert.match(enough?.sentence ?? '', /1 is needed, since the champion was made for it too/);
    assert.deepEqual(judged([{ ...own, candidate: 20, champion: 20 }, other]).verdicts.map(failing)[0], [
      'body.agreement',
    ]);
    assert.deepEqual(judged([{ ...own, candidate: 40, champion: 50 }, other]).verdicts.map(failing)[0], [
      'body.champion',
    ]);
  });

  it('needs no champion, and no frame proves nothing', () => {
    assert.equal(judged([{ episodes: 40, candidate: 48 }]).verdicts[0]?.standing, 'proven');
    const [none] = bodyVerdicts([{ robotType: 'rover@1', episodes: 0, frames: 0, agreeingFrames: 0 }], type);
    assert.deepEqual(failing(none ?? assert.fail()), ['body.episodes', 'body.agreement']);
  });
});
