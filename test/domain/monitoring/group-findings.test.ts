import assert from 'node:assert/strict';

import {
  advanceIncidents,
  groupBySite,
  hysteresisOf,
  isSiteSubject,
  openIncidents,
  type Finding,
  type IncidentBook,
} from '../../../domain/monitoring/index.ts';

const silent = (index: number): Finding => ({
  cause: 'silent',
  subject: `r${index}`,
  reason: 'no contact for 6 min',
});
const robots = (count: number, from = 0): Finding[] =>
  Array.from({ length: count }, (_, index) => silent(from + index));
const siteOf = new Map(Array.from({ length: 60 }, (_, index) => [`r${index}`, index < 30 ? 'hall' : 'yard']));

/** Looks one after the other; gives what is open after each, and how many events there were. */
function looks(...rounds: readonly (readonly Finding[])[]) {
  let book: IncidentBook = {};
  const seen: string[][] = [];
  let events = 0;
  for (const [index, findings] of rounds.entries()) {
    const step = advanceIncidents(book, {
      findings: groupBySite(findings, siteOf, book),
      isKnown: () => true,
      hysteresis: () => ({ openAfterTicks: 2, closeAfterTicks: 2 }),
      nowMs: index,
    });
    book = step.book;
    events += step.events.length;
    seen.push(openIncidents(book).map(({ subject }) => subject));
  }
  return { seen, events, book };
}

describe('incidents of a site', () => {
  it('are one for thirty robots that stop together, however they are noticed, and end with the last of them', () => {
    const { seen, events, book } = looks(robots(2), robots(30), robots(30), robots(30), robots(1), [], []);
    assert.deepEqual(seen, [[], [], ['site hall'], ['site hall'], ['site hall'], ['site hall'], []]);
    assert.equal(events, 2);
    assert.deepEqual(Object.keys(book), []);
    const [finding] = groupBySite(robots(30), siteOf, {});
    assert.match(finding?.reason ?? '', /^30 robots \(r0, r1, .* and 20 more\), the first: no contact for 6 min$/);
  });

  it('are apart for each site and cause, and of single robots for one or two', () => {
    const crashes = robots(3).map((finding): Finding => ({ ...finding, cause: 'crashLoop' }));
    const grouped = groupBySite([...robots(3), ...robots(2, 40), ...crashes], siteOf, {});
    assert.deepEqual(
      grouped.map(({ cause, subject }) => `${cause} ${subject}`),
      ['silent site hall', 'silent r40', 'silent r41', 'crashLoop site hall'],
    );
  });

  it('leave a robot the incident it has, findings of no robot and robots without a site alone', () => {
    const { seen } = looks(robots(1), robots(1), robots(5), robots(5));
    assert.deepEqual(seen.at(-1)?.toSorted(), ['r0', 'site hall']);
    const others: Finding[] = [
      { cause: 'silent', subject: 'stranger', reason: '' },
      { cause: 'errorRate', subject: 'fleet', reason: '' },
    ];
    assert.deepEqual(groupBySite(others, siteOf, {}), others);
  });

  it('are of several sites for robots here and there, from three on with those that have one of their own', () => {
    // Four sites with fifteen robots each.
    const spread = new Map(Array.from({ length: 60 }, (_, index) => [`r${index}`, `site-${index % 4}`]));
    const group = (findings: readonly Finding[], book: IncidentBook = {}) =>
      groupBySite(findings, spread, book).map(({ subject }) => subject);
    const open = (...subjects: readonly string[]): IncidentBook =>
      Object.fromEntries(
        subjects.map((subject) => [
          `silent/${subject}`,
          { kind: 'open', incidentId: 'i', openedAtMs: 0, reason: '', clearTicks: 0, acknowledgedBy: null },
        ]),
      );
    assert.deepEqual(group([silent(0), silent(1)]), ['r0', 'r1']);
    assert.deepEqual(group([silent(0), silent(1), silent(2)]), ['several sites']);
    assert.deepEqual(group([silent(0), silent(1), silent(2)], open('r0', 'r1')), ['r0', 'r1', 'several sites']);
    // Of one site the third robot counts those that have one, too.
    assert.deepEqual(group([silent(0), silent(4), silent(8)], open('r0', 'r4')), ['r0', 'r4', 'site site-0']);
    // While it is open everybody belongs to it, until a fifth of a site does.
    assert.deepEqual(group([silent(3)], open('several sites')), ['several sites']);
    const three = [silent(0), silent(4), silent(8)];
    assert.deepEqual(group(three, open('several sites')), ['site site-0']);
    const wide = new Map(Array.from({ length: 60 }, (_, index) => [`r${index}`, index < 50 ? 'hall' : 'yard']));
    const of = (count: number) => groupBySite(robots(count), wide, open('several sites')).map(({ subject }) => subject);
    assert.deepEqual([of(9), of(10)], [['several sites'], ['site hall']]);
    assert.ok(isSiteSubject('several sites') && isSiteSubject('site hall') && !isSiteSubject('r1'));
  });

  it('of several sites end an hour after the last robot at the earliest, by looks of a minute', () => {
    const limits = { openAfterTicks: 2, closeAfterTicks: 5 };
    assert.deepEqual(hysteresisOf('silent', 'several sites', limits), { openAfterTicks: 2, closeAfterTicks: 60 });
    assert.deepEqual(hysteresisOf('crashLoop', 'r1', limits), { openAfterTicks: 1, closeAfterTicks: 5 });
    assert.deepEqual(hysteresisOf('drift', 'fleet', limits), { openAfterTicks: 1, closeAfterTicks: 1 });
  });
});
