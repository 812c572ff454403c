import assert from 'node:assert/strict';

import type { ModelAnswer, ModelRobotsAnswer, ModelsAnswer } from '../../console/answers/models.ts';
import type { EndedTrialsAnswer } from '../../console/answers/trials.ts';
import { modelsPage, modelsPath } from '../../dashboard/pages/models.ts';
import { unread, type Reading } from '../../dashboard/reading.ts';
import { assertHarmless, assertLooks, got, hostile, html, nowMs, statesOf } from './page-world.ts';

const listOf = (names: readonly string[], more: Partial<ModelsAnswer> = {}): ModelsAnswer => ({
  readAtMs: nowMs,
  damaged: [],
  aliases: { champion: '1.1.0' },
  history: [{ atMs: nowMs, set: { champion: '1.1.0', previous: '1.0.0' }, who: 'ada', why: 'better', way: 'trial' }],
  historyTotal: 1,
  versions: names.map((version) => ({
    version,
    registeredAtMs: nowMs,
    parents: ['1.0.0'],
    trainingSetDigest: 'a'.repeat(64),
    gates: [
      { id: 'latency', outcome: 'pass' },
      { id: 'champion.overall', outcome: 'fail' },
    ],
  })),
  total: names.length,
  next: null,
  ...more,
});
const modelOf = (version: string, more: Partial<ModelAnswer> = {}): ModelAnswer => ({
  readAtMs: nowMs,
  damaged: [],
  policy: 'wall',
  version,
  registeredAtMs: nowMs,
  robotType: 'g@1',
  contract: 1,
  cameras: [],
  parents: [],
  codeBuild: 'b',
  modelSha256: null,
  submitted: null,
  training: null,
  set: null,
  metrics: [{ name: 'accuracyFraction', value: 0.9 }],
  gates: [{ id: 'latency', outcome: 'pass', value: 1.5, limit: 20, unit: 'ms', sampleSize: 400, sentence: 'fast' }],
  learned: null,
  collected: null,
  ...more,
});
const robotsOf = (more: Partial<ModelRobotsAnswer> = {}): ModelRobotsAnswer => ({
  readAtMs: nowMs,
  policy: 'wall',
  version: '1.1.0',
  from: '2026-09-04',
  to: '2026-11-28',
  state: 'read',
  asOfMs: nowMs,
  total: 900,
  success: { kind: 'value', value: 0.5, n: 4, low: 0.2, high: 0.8 },
  robots: [{ robotId: 'r1', firstDay: '2026-11-01', lastDay: '2026-11-27', episodes: 4, successes: 2 }],
  ...more,
});
interface Given {
  readonly list?: Reading<ModelsAnswer>;
  readonly model?: Reading<ModelAnswer>;
  readonly other?: Reading<ModelAnswer>;
  readonly robots?: Reading<ModelRobotsAnswer>;
  readonly trials?: Reading<EndedTrialsAnswer>;
}
const tried: EndedTrialsAnswer = {
  readAtMs: nowMs,
  damaged: [],
  items: [
    { trialId: 't1', candidateVersion: '1.1.0', outcome: 'rolledBack', reason: 'harm in a task', atMs: 1 },
    { trialId: 't2', candidateVersion: '9.9.9', outcome: 'promoted', reason: hostile, atMs: 2 },
  ].map((end) => ({
    ...end,
    kind: 'rollout' as const,
    championVersion: '1.0.0',
    stage: 1,
    sentence: `${end.candidateVersion} ended: ${end.reason}.`,
  })),
};
const node = (given: Given, query = {}) =>
  modelsPage({
    list: got(listOf(['1.0.0', '1.1.0'])),
    model: unread,
    other: unread,
    robots: unread,
    trials: got(tried),
    ...given,
    query: { policy: 'wall', ...query },
    nowMs,
    onFilter: () => undefined,
  });
const page = (given: Given, query = {}): string => html(node(given, query));

describe('the page of models', () => {
  it('says of each version how its trial ended, with the way to it', () => {
    const text = page({ model: got(modelOf('1.1.0')) }, { version: '1.1.0' });
    assert.match(text, /1\.1\.0 ended: harm in a task\. <a href="#\/trial\?policy=wall&amp;id=t1&amp;stage=1">/);
    assert.match(text, /no trial of it has ended lately/);
    assert.match(page({ trials: unread }), /not known now/);
    assert.doesNotMatch(page({ list: got(listOf(['9.9.9'])) }), /<img/);
  });

  it('looks different when there is nothing, nothing yet, nothing for you, nothing known, old or gone', () => {
    assertLooks(listOf(['1.1.0']), (list) => node({ list }), /<table|1\.1\.0/);
    assert.deepEqual(statesOf(page({ list: got(listOf([], { history: [] })) })), ['empty', 'empty']);
    const unreadable = listOf([], { total: 3, damaged: ['models/wall/1.0.0/manifest.json'] });
    assert.deepEqual(statesOf(page({ list: got(unreadable) })), ['noData']);
    const chosen = page(
      { model: got(modelOf('1.1.0')), robots: got(robotsOf({ state: 'noFacts' })) },
      { version: 'x' },
    );
    assert.deepEqual(statesOf(chosen), ['noData', 'noData', 'noData']);
  });

  it('lists versions newest first, with what they are now and how their gates went, in words', () => {
    const text = page({ list: got(listOf(['1.0.0', '1.1.0'], { total: 90, next: '1.0.0' })) });
    assert.match(text, /2 of 90 versions.*>1\.1\.0<.*champion.*1 ✓ passed, 1 ✕ failed.*>1\.0\.0</s);
    assert.match(text, /champion: 1\.1\.0; previous: 1\.0\.0.*ada.*better/s);
    assert.match(text, /href="#\/models\?policy=wall&amp;before=1\.0\.0"/);
    assert.equal(modelsPath({ policy: 'wall', before: '1.0.0', x: 'y' }), '/api/v1/models?policy=wall&before=1.0.0');
  });

  it('tells a version that a person put back from one that a trial promoted, in the history and of each version', () => {
    const move = (atMs: number, champion: string, way: ModelsAnswer['history'][number]['way'], who: string) => ({
      atMs,
      set: { champion },
      who,
      why: `reason ${atMs}`,
      way,
    });
    const history = [
      move(1, '1.0.0', 'first', 'cy'),
      move(2, '1.1.0', 'trial', 'cycle c1'),
      move(3, '1.0.0', 'putBack', 'ada'),
      { ...move(4, '1.0.0', null, 'bo'), set: { baseline: '1.0.0' } },
    ];
    const text = page({ list: got(listOf(['1.0.0', '1.1.0'], { history })) }, { version: '1.0.0' });
    assert.match(text, /champion: 1\.0\.0<\/td><td>put back by ada: reason 3</);
    assert.match(text, /champion: 1\.1\.0<\/td><td>promoted by a trial \(cycle c1\): reason 2</);
    assert.match(text, /baseline: 1\.0\.0<\/td><td>the champion stayed as it was; by bo: reason 4</);
    // Above, of the one that was chosen, and in its row.
    assert.equal(text.match(/Champion since <time[^>]*>[^<]*<\/time>: put back by ada: reason 3\./g)?.length, 2);
    assert.match(
      text,
      /Champion from .* until .*: promoted by a trial \(cycle c1\): reason 2\. Then 1\.0\.0 was put back by ada: reason 3\./,
    );
    assert.doesNotMatch(page({ list: got(listOf(['1.0.0'], { history: [] })) }), /Champion (since|from)/);
  });

  it('shows each verdict of a version with value, limit and n, and who ran it', () => {
    const text = page({ model: got(modelOf('1.1.0')), robots: got(robotsOf()) }, { version: '1.1.0' });
    assert.match(text, /latency.*✓ passed.*1\.5 ms.*20 ms.*400.*fast/s);
    assert.match(text, /1 of 900 robots.*r1.*2026-11-01.*2026-11-27.*2, 50 %/s);
  });

  it('compares two versions and marks what differs by a sign and a word', () => {
    const other = modelOf('1.0.0', { robotType: 'g@2' });
    const text = page(
      { model: got(modelOf('1.1.0')), other: got(other), robots: got(robotsOf()) },
      { version: '1.1.0', other: '1.0.0' },
    );
    assert.match(text, /1 of \d+ facts differ/);
    assert.match(text, /Robot type<\/th><td>g@1<\/td><td>g@2<\/td><td>≠ differs/);
    assert.match(text, /Gate latency<\/th><td>✓ passed, value 1\.5, limit 20, n 400/);
    const waiting = page({ model: got(modelOf('1.1.0')) }, { version: '1.1.0', other: '1.0.0' });
    assert.deepEqual(statesOf(waiting), ['loading', 'loading']);
  });

  it('say on what they were trained, and what came of them', () => {
    const training = {
      cycleId: 'c1',
      datasetVersion: { episodes: 1, frames: 1 },
      trainingSetDigest: 'd',
      seed: 1,
      tasks: null,
      hyperparameters: [],
    };
    const learned = {
      episodes: 812,
      frames: 9,
      robots: 12,
      robotIds: ['r7', hostile],
      firstDay: '2026-11-20',
      lastDay: '2026-11-26',
    };
    const text = page({ model: got(modelOf('1.1.0', { training, learned })) }, { version: '1.1.0' });
    assert.match(text, /Trained on.*812 new episodes of 12 robots, recorded from 2026-11-20 to 2026-11-26/s);
    assert.match(text, /Which 12 robots.*id=r7">r7<\/a>, .* and 10 more/s);
    assert.doesNotMatch(text, /<img/);
    assert.match(page({ model: got(modelOf('1.1.0')) }, { version: '1.1.0' }), /It was not trained here/);
    const trial = {
      trialId: 't1',
      candidateVersion: '1.1.0',
      outcome: 'harmful',
      reason: 'r',
      atMs: nowMs,
      kind: 'rollout' as const,
      championVersion: '1.0.0',
      stage: 1,
      sentence: 'It was not promoted.',
    };
    const ended = got({ readAtMs: nowMs, damaged: [], items: [trial] });
    const list = page({ list: got(listOf(['1.1.0'])), trials: ended }, {});
    assert.match(list, /It was not promoted\..*href="#\/trial\?policy=wall&amp;id=t1&amp;stage=1"/s);
  });

  it('never makes markup of what files and people wrote', () => {
    const model = modelOf(hostile, {
      robotType: hostile,
      codeBuild: hostile,
      parents: [hostile],
      cameras: [hostile],
      damaged: [hostile],
      submitted: { who: hostile, why: hostile },
      metrics: [{ name: hostile, value: 1 }],
      gates: [
        { id: hostile, outcome: hostile, value: 1, limit: 1, unit: hostile, sampleSize: 1, sentence: hostile },
        { id: 'x', outcome: 'constructor', value: null, limit: null, unit: null, sampleSize: null, sentence: null },
      ],
      training: {
        cycleId: hostile,
        datasetVersion: { episodes: 1, frames: 1 },
        trainingSetDigest: hostile,
        seed: 1,
        tasks: [hostile],
        hyperparameters: [{ name: hostile, value: hostile }],
      },
      collected: {
        episodes: 1,
        frames: 1,
        failures: 0,
        robotsTotal: 1,
        robots: [{ robotId: hostile, episodes: 1, frames: 1, failures: 0, refused: 0 }],
      },
    });
    const by = { who: hostile, why: hostile };
    const history = [
      { atMs: nowMs, set: { [hostile]: hostile }, ...by, way: null },
      { atMs: nowMs, set: { champion: hostile }, ...by, way: 'putBack' as const },
    ];
    const list = got(listOf([hostile], { history, aliases: { [hostile]: hostile } }));
    const robots = robotsOf({ robots: robotsOf().robots.map((robot) => ({ ...robot, robotId: hostile })) });
    const given = { list, model: got(model), other: got(model), robots: got(robots) };
    assertHarmless(page(given, { version: hostile }), 20);
    assertHarmless(page(given, { version: hostile, other: hostile }), 20);
  });
});
