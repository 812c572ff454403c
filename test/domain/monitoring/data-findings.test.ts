import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import {
  afterCollection,
  judgeData,
  noDataTrouble,
  type CollectionNews,
  type DataStanding,
} from '../../../domain/monitoring/index.ts';

const robotOf = (robotId: string, acceptedEpisodes: number, refusedEpisodes = 0) => ({
  robotId,
  acceptedEpisodes,
  refusedEpisodes,
  refusedSegments: 0,
  isLeftOut: acceptedEpisodes === 0 && refusedEpisodes > 0,
});

const newsOf = (changes: Partial<CollectionNews> = {}): CollectionNews => ({
  cycleId: 'wall-1',
  isOwn: true,
  verdict: 'ok',
  reason: '20 new episodes; 0.0 % of 20 refused (limit 20.0 %)',
  robots: [],
  ...changes,
});
const badWeek = newsOf({ verdict: 'badData', reason: '34.0 % of 100 episodes were refused (limit 20.0 %)' });

const everyone = () => true;
const after = (news: readonly CollectionNews[], isRegistered: (robotId: string) => boolean = everyone): DataStanding =>
  news.reduce((standing, one) => afterCollection(standing, one, isRegistered), noDataTrouble);
const found = (standing: DataStanding) => judgeData(standing).map(({ cause, subject }) => `${cause} ${subject}`);

describe('what is wrong with the data of a fleet', () => {
  it('is nothing after a collection that may be learned from', () => {
    assert.deepEqual(after([newsOf({ robots: [robotOf('r1', 5, 1)] })]), noDataTrouble);
  });

  it('is bad data, with reason and cycle, until a collection may be learned from', () => {
    const [finding] = judgeData(after([badWeek]));
    assert.deepEqual(finding, {
      cause: 'badData',
      subject: 'fleet',
      reason: '34.0 % of 100 episodes were refused (limit 20.0 %): cycle wall-1',
    });
    assert.deepEqual(found(after([badWeek, newsOf({ verdict: 'nothingNew' })])), ['badData fleet']);
    assert.deepEqual(found(after([badWeek, newsOf()])), []);
  });

  it('is no bad data of this fleet when another policy’s cycle collected it, and no end of it', () => {
    assert.deepEqual(found(after([{ ...badWeek, isOwn: false }])), []);
    assert.deepEqual(found(after([badWeek, newsOf({ isOwn: false })])), ['badData fleet']);
  });

  it('is a robot that is left out, until something of it is accepted', () => {
    const leftOut = newsOf({ robots: [robotOf('r2', 0, 7), robotOf('r1', 3)] });
    assert.deepEqual(judgeData(after([leftOut])), [
      {
        cause: 'leftOut',
        subject: 'r2',
        reason: 'everything was refused, 7 episodes and 0 segments: cycle wall-1',
      },
    ]);
    assert.deepEqual(found(after([leftOut, newsOf({ robots: [robotOf('r1', 3)] })])), ['leftOut r2']);
    assert.deepEqual(found(after([leftOut, newsOf({ robots: [robotOf('r2', 0)] })])), ['leftOut r2']);
    assert.deepEqual(found(after([leftOut, newsOf({ robots: [robotOf('r2', 1, 9)] })])), []);
  });

  it('is a robot of this fleet too that another policy’s cycle left out', () => {
    const leftOut = newsOf({ isOwn: false, robots: [robotOf('r1', 0, 7), robotOf('foreign', 0, 7)] });
    const isRegistered = (robotId: string) => robotId === 'r1';
    assert.deepEqual(found(after([leftOut], isRegistered)), ['leftOut r1']);
    const good = newsOf({ isOwn: false, robots: [robotOf('r1', 1)] });
    assert.deepEqual(found(after([leftOut, good], isRegistered)), []);
  });

  it('is what nobody registered only while the cycles of the policy meet it', () => {
    const nobody = newsOf({ robots: [robotOf('unknown', 0, 1)] });
    const isRegistered = (robotId: string) => robotId !== 'unknown';
    assert.deepEqual(found(after([nobody], isRegistered)), ['leftOut unknown']);
    assert.deepEqual(found(after([nobody, newsOf({ isOwn: false })], isRegistered)), ['leftOut unknown']);
    assert.deepEqual(found(after([nobody, newsOf()], isRegistered)), []);
  });

  it('is, of every registered robot, what the last collection said that knew anything of it', () => {
    const robots = fc.uniqueArray(
      fc.record({ robotId: fc.constantFrom('a', 'b', 'c'), accepted: fc.nat(2), refused: fc.nat(2) }),
      { selector: ({ robotId }) => robotId },
    );
    fc.assert(
      fc.property(fc.array(robots, { maxLength: 8 }), (collections) => {
        const news = collections.map((entries) =>
          newsOf({ robots: entries.map(({ robotId, accepted, refused }) => robotOf(robotId, accepted, refused)) }),
        );
        const { leftOut } = after(news);
        for (const robotId of ['a', 'b', 'c']) {
          const telling = collections
            .flat()
            .filter((entry) => entry.robotId === robotId && entry.accepted + entry.refused > 0);
          const last = telling.at(-1);
          assert.equal(robotId in leftOut, last !== undefined && last.accepted === 0);
        }
      }),
    );
  });
});
