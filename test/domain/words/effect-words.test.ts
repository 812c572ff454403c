import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { allowedWords, aroundBound, effectWords, provenWords, readEffect } from '../../../domain/words/effect-words.ts';
import { taskWords, type TaskStanding } from '../../../domain/words/task-words.ts';

const anything = fc.oneof(
  fc.constantFrom(null, 0, 1, -1, 1e-9, -1e-9, 0.0004, -1.002, 1.7, Number.NaN, Infinity, -Infinity),
  fc.double({ min: -1.5, max: 1.5 }),
);
const effects = fc.record({ delta: anything, low: anything, high: anything });
/** Intervals as judges make them. */
const sound = fc
  .tuple(fc.double({ min: -1.3, max: 1.3, noNaN: true }), fc.double({ min: 1e-6, max: 0.6, noNaN: true }))
  .map(([delta, half]) => ({ delta, low: Math.max(-1, delta - half), high: Math.min(1, delta + half) }))
  .filter(({ low, high }) => low <= high);

const figuresIn = (text: string): readonly number[] => [...text.matchAll(/\d+(?:\.\d+)?/g)].map(([own]) => Number(own));

describe('words of an effect', () => {
  it('say which side of zero is proven, and the limit never in its place', () => {
    assert.equal(effectWords({ delta: 0.401, low: 0.32, high: 0.48 }), 'better by 40.1 points [+32 to +48]');
    assert.equal(effectWords({ delta: -0.313, low: -0.381, high: -0.245 }), 'worse by 31.3 points [−38.1 to −24.5]');
    assert.equal(
      effectWords({ delta: 0.01, low: -0.02, high: 0.04 }),
      'between 2 points worse and 4 points better (seen: 1 point better)',
    );
    assert.equal(effectWords(aroundBound(0.4, -1)), '40 points better so far, which proves nothing yet');
    assert.equal(
      effectWords(aroundBound(0.4, -0.0076)),
      'between 0.8 points worse and 80.8 points better (seen: 40 points better)',
    );
    assert.equal(effectWords({ delta: null, low: 0.1, high: 0.2 }), 'the difference is not known');
    assert.equal(allowedWords(0.02), 'at most 2 points worse are allowed');
    assert.equal(provenWords({ delta: -0.2, low: -0.5, high: 0.1 }, 'worse'), 'seen: 20 points worse');
  });

  it('never contradict the figures, whatever they are', () => {
    fc.assert(
      fc.property(fc.oneof(effects, sound), (effect) => {
        const text = effectWords(effect);
        const reading = readEffect(effect);
        const { low, high, delta } = effect;
        assert.equal(text.startsWith('better by '), reading === 'better', text);
        assert.equal(text.startsWith('worse by '), reading === 'worse', text);
        assert.equal(text.startsWith('between '), reading === 'undecided', text);
        if (reading === 'better') assert.ok(low !== null && low > 0 && delta !== null && delta > 0, text);
        if (reading === 'worse') assert.ok(high !== null && high < 0 && delta !== null && delta < 0, text);
        if (reading === 'undecided') assert.ok(low !== null && high !== null && low <= 0 && high >= 0, text);
        if (reading === 'better') assert.doesNotMatch(text, /worse|−/);
        if (reading === 'worse') assert.doesNotMatch(text, /better|\+/);
        // No difference of two success fractions is larger, and nothing that is there is told as nothing.
        for (const figure of figuresIn(text)) assert.ok(figure <= 100, text);
        if (reading === 'better' || reading === 'worse') assert.doesNotMatch(text, /by 0 points|[+−]0 /);
        assert.doesNotMatch(text, /NaN|Infinity|undefined|null/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('read every interval of a judge', () => {
    fc.assert(
      fc.property(sound, (effect) => {
        const isWhole = effect.low <= -1 && effect.high >= 1;
        assert.equal(readEffect(effect) === 'unknown', isWhole, effectWords(effect));
      }),
      { numRuns: 500 },
    );
  });
});

describe('the judgement of a task', () => {
  const judging = { marginFraction: 0.02, minimumEpisodes: 30 };
  const few = { candidateEpisodes: 12, controlEpisodes: 25 };
  it('is one, and says what decided and what did not', () => {
    const seen = { delta: -1.002, low: -1, high: -0.8, ...few };
    assert.equal(
      taskWords({ ...seen, standing: 'unproven' }, judging),
      '◌ not judged by itself: 12 and 25 episodes, 30 of each are needed; seen lower, which decided nothing',
    );
    assert.equal(
      taskWords({ ...seen, standing: 'worse' }, judging),
      '▼ proven worse by more than the 2 points that are allowed: this stops the candidate',
    );
    assert.match(
      taskWords({ ...seen, standing: 'judged' }, judging),
      /^▽ lower, but not proven worse .*: it stops nothing$/,
    );
    assert.equal(
      taskWords({ delta: null, low: null, high: null, ...few, standing: 'judged' }, judging),
      '= not proven worse',
    );
  });

  it('calls nothing worse that did not decide, and nothing undecided that did', () => {
    fc.assert(
      fc.property(effects, fc.constantFrom<TaskStanding>('worse', 'unproven', 'judged'), (effect, standing) => {
        const text = taskWords({ ...effect, ...few, standing }, judging);
        assert.equal(text.startsWith('▼'), standing === 'worse', text);
        assert.equal(text.includes('needed'), standing === 'unproven', text);
        assert.equal(text.includes('stops the candidate'), standing === 'worse', text);
      }),
    );
  });
});
