import assert from 'node:assert/strict';

import { judgeCollection, type RobotTally } from '../../datasets/collection-verdict.ts';

const tally = (change: Partial<RobotTally>): RobotTally => ({
  segments: 10,
  segmentsRefused: 0,
  episodesStored: 100,
  episodesAlreadyStored: 0,
  episodesRefused: 0,
  ...change,
});

describe('the verdict on a collection', () => {
  it('is ok when at most a fifth is refused, and bad data beyond', () => {
    assert.equal(judgeCollection({ a: tally({ episodesStored: 80, episodesRefused: 20 }) }).verdict, 'ok');
    const bad = judgeCollection({ a: tally({ episodesStored: 79, episodesRefused: 21 }) });
    assert.equal(bad.verdict, 'badData');
    assert.equal(bad.reason, '21.0 % of 100 episodes were refused (limit 20.0 %)');
  });

  it('counts refused segments beside episodes, for nobody knows what they held', () => {
    assert.equal(judgeCollection({ a: tally({ segmentsRefused: 2 }) }).verdict, 'ok');
    assert.equal(judgeCollection({ a: tally({ segmentsRefused: 3 }) }).verdict, 'badData');
  });

  it('leaves out a robot of which everything was refused, and judges the others', () => {
    const broken = tally({ episodesStored: 0, episodesRefused: 500 });
    const unreadable = tally({ episodesStored: 0, segmentsRefused: 10 });
    const result = judgeCollection({ c: broken, b: unreadable, a: tally({}) });
    assert.equal(result.verdict, 'ok');
    assert.deepEqual(result.robotsLeftOut, ['b', 'c']);
    assert.equal(result.refusedEpisodesFraction, 0);
  });

  it('is bad data when nothing at all was valid', () => {
    const result = judgeCollection({ a: tally({ episodesStored: 0, episodesRefused: 3 }) });
    assert.equal(result.verdict, 'badData');
    assert.match(result.reason, /everything was refused/);
  });

  it('is nothing new without data, and when all of it came before', () => {
    assert.equal(judgeCollection({}).verdict, 'nothingNew');
    const again = tally({ episodesStored: 0, episodesAlreadyStored: 100, episodesRefused: 5 });
    assert.equal(judgeCollection({ a: again }).verdict, 'nothingNew');
  });
});
