import assert from 'node:assert/strict';

import type { EndedTrialsAnswer, TaskArmsAnswer, TrialAnswer } from '../../console/answers/trials.ts';
import type { ConsolePorts } from '../../console/context.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { bootOf, episode, episodeIdOf, hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { ask, noTemporal, openConsoleWorld, type ConsoleWorld } from './console-world.ts';

const stages = [
  { robots: 1, minimumHours: 4, maximumHours: 48, marginFraction: 0.03 },
  { robots: 2, minimumHours: 6, maximumHours: 96, marginFraction: null },
];
const planOf = (trialId: string, kind: 'rollout' | 'abTest') => ({
  kind,
  policy,
  trialId,
  candidateVersion: '1.1.0',
  championVersion: '1.0.0',
  createdAtMs: startMs,
  times: { dayMs: 60_000 },
  robots: ['r0', 'r1', 'r2'].map((robotId) => ({ robotId })),
  stages: kind === 'rollout' ? stages : stages.slice(0, 1),
  approvalBefore: [1],
  abTest: kind === 'rollout' ? null : { looks: 4, lookHours: 6 },
  rolloutLimits: { advance: { minimumEpisodes: 30 }, stages: [{ minimumTotalHours: 0 }] },
  taskLimits: { marginFraction: 0.02 },
});
const tickOf = (trialId: string, index: number, stage = 0) => ({
  asked: {
    nowMs: startMs + index * 2_000,
    stage,
    hoursInStage: index * 0.8,
    hoursTotal: index * 0.8,
    exposures: [{ robots: 1 }],
  },
  result: {
    verdict: 'hold',
    reason: `${10 + index} episodes to compare, 30 are needed`,
    delta: 0.02,
    lowerBound: -0.17,
    robots: 1,
    episodes: 10 + index,
    verdictKey: `trials/${trialId}/verdicts/tick-${String(index).padStart(8, '0')}.json`,
  },
  verdict: { evidence: [{ metric: 'success', delta: 0.02, logEvidence: -1, threshold: 5.3 }] },
  tasks: {
    block: ['turn'],
    perTask: [{ task: 'turn', delta: -0.5, episodes: { candidate: 12, control: 30 } }],
  },
});

describe('trials of the console', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;
  beforeEach(async () => {
    world = await openConsoleWorld();
  });
  afterEach(() => world.close());

  async function putTrial(trialId: string, kind: 'rollout' | 'abTest', ticks: number): Promise<void> {
    const { store } = world.ports;
    await store.put(`trials/${trialId}/plan.json`, jsonBytes(planOf(trialId, kind)));
    for (let index = 0; index < ticks; index += 1) {
      const verdict = tickOf(trialId, index);
      await store.put(verdict.result.verdictKey, jsonBytes(verdict));
    }
  }
  const run = (status: unknown, name = 'RUNNING') => ({
    workflowId: 'w',
    run: name,
    startedMs: startMs,
    endedMs: null,
    status,
  });
  async function nowOf(steps: Awaited<ReturnType<ConsolePorts['loop']['trialSteps']>>): Promise<TrialAnswer['now']> {
    const loop = { ...noTemporal, trial: async () => null, rollback: async () => null, trialSteps: async () => steps };
    const app = await world.on({ loop });
    const { body, status } = await ask(app, `/api/v1/trial?policy=${policy}`, world.token);
    assert.equal(status, 200);
    return (body as unknown as TrialAnswer).now;
  }
  /** Of verdicts of earlier versions the sentence is made of what they stored. */
  const held = (episodes: number): string =>
    `Stage 1 of 2 of 1.1.0 against 1.0.0 holds: ${episodes} episodes to compare, 30 are needed; success between 17 points worse and 21 points better (seen: 2 points better), n ${episodes} episodes of 1 robot with the candidate. No more robots get 1.1.0, those that have it keep it.`;
  const state = { kind: 'held', stage: 0, atMs: 0, reason: 'an old reason', wantedExposure: 1 };

  it('say one state, by the last verdict, and what the stage waits for until when', async () => {
    await putTrial('t1', 'rollout', 16);
    const status = { trialId: 't1', state, rows: [], tick: tickOf('t1', 15).result };
    const now = await nowOf({ abTest: run({}, 'COMPLETED'), rollout: run(status) });
    assert.deepEqual(
      [now?.standing, now?.reason, now?.atMs, now?.candidateVersion, now?.championVersion, now?.dayMs],
      ['held', held(25), startMs + 30_000, '1.1.0', '1.0.0', 60_000],
    );
    assert.deepEqual(
      now?.stages.map(({ standing, robots, needsApproval }) => [standing, robots, needsApproval]),
      [
        ['held', 1, false],
        ['coming', 2, true],
      ],
    );
    const [episodes, hours] = now?.needs ?? [];
    // One episode every two seconds: five more in ten seconds.
    assert.deepEqual([episodes?.value, episodes?.perHour, episodes?.metAtMs], [25, 1_800, startMs + 40_000]);
    assert.deepEqual([hours?.isMet, now?.evidence.length, now?.looks], [true, 1, null]);
  });

  it('do not take a verdict of the stage before for one of this, nor a verdict of another trial', async () => {
    await putTrial('t1', 'rollout', 2);
    const second = { ...state, kind: 'watching', stage: 1, wantedExposure: 2 };
    const row = { stage: 0, lowerBound: -0.01, reportingRobots: 1, episodes: 40 };
    const status = { trialId: 't1', state: second, rows: [row], tick: tickOf('t1', 1).result };
    const now = await nowOf({ abTest: null, rollout: run(status) });
    assert.deepEqual([now?.standing, now?.reason, now?.needs], ['running', 'an old reason', []]);
    assert.deepEqual(
      now?.stages.map(({ standing, verdict }) => [standing, verdict?.episodes]),
      [
        ['passed', 40],
        ['running', undefined],
      ],
    );
    const waits = { ...state, kind: 'awaitingApproval' };
    const asked = await nowOf({ abTest: null, rollout: run({ ...status, state: waits }) });
    assert.deepEqual(
      asked?.stages.map(({ standing }) => standing),
      ['passed', 'waitsForApproval'],
    );
    const wrong = { ...status, tick: { verdictKey: 'config/secret/tick-00000001.json' } };
    assert.equal((await nowOf({ abTest: null, rollout: run({ ...wrong, state }) }))?.reason, held(11));
    for (const broken of [null, {}, { ...status, trialId: '../x' }, { ...status, trialId: 'none' }])
      assert.equal(await nowOf({ abTest: null, rollout: run(broken) }), null);
    assert.equal(await nowOf({ abTest: null, rollout: run(status, 'COMPLETED') }), null);
  });

  it('say of an A/B test how far its looks are', async () => {
    await putTrial('a1', 'abTest', 1);
    const look = {
      decision: 'continue',
      reason: 'undecided',
      delta: 0.1,
      low: -0.1,
      high: 0.3,
      z: 1,
      bound: 5,
      information: 0.2,
      candidateEpisodes: 20,
      controlEpisodes: 30,
      verdictKey: 'trials/a1/verdicts/look-0001.json',
    };
    await world.ports.store.put(look.verdictKey, jsonBytes({ asked: { nowMs: startMs + 9_000 }, result: look }));
    const atMs = Date.UTC(2026, 0, 1) + (startMs + 20_000 - Date.UTC(2026, 0, 1)) * 1_440;
    const progress = { kind: 'watching', atMs, watchedMs: 8 * hourMs, looksDone: 1, reason: 'undecided' };
    const status = { trialId: 'a1', progress, look, tick: tickOf('a1', 0).result };
    const now = await nowOf({ abTest: run(status), rollout: run({ trialId: 't0' }, 'COMPLETED') });
    // Four fleet hours are missing to the second look: ten seconds here.
    assert.deepEqual(
      [now?.standing, now?.atMs, now?.looks?.done, now?.looks?.planned, now?.looks?.nextAtMs],
      ['running', startMs + 9_000, 1, 4, startMs + 30_000],
    );
  });

  it('say how they ended, in a sentence with value, limit and sample size', async () => {
    const { store } = world.ports;
    await putTrial('t1', 'rollout', 3);
    const end = { trialId: 't1', policy, candidateVersion: '1.1.0', outcome: 'rolledBack', reason: 'r', atMs: startMs };
    // The verdict that ended it is not the last one: the guard goes on while robots are on their way back.
    const alarm = tickOf('t1', 1);
    await store.put(
      alarm.result.verdictKey,
      jsonBytes({
        ...alarm,
        result: { ...alarm.result, verdict: 'rollback', reason: 'r' },
        verdict: { metric: 'task', verdict: 'rollback', reasons: ['proven harm in task turn'], evidence: [] },
      }),
    );
    await store.put('trials/t1/end.json', jsonBytes(end));
    await store.put('trials/t2/end.json', jsonBytes({ ...end, trialId: 't2', atMs: startMs + 1 }));
    // Who stops a trial is told in their own words, whatever the last verdict says.
    await putTrial('t3', 'rollout', 3);
    await store.put('trials/t3/end.json', jsonBytes({ ...end, trialId: 't3', reason: 'smoke', atMs: startMs + 2 }));
    const { items } = (await world.get(`/api/v1/trials?policy=${policy}`)).body as unknown as EndedTrialsAnswer;
    assert.deepEqual(
      items.map(({ kind, championVersion, stage, sentence }) => [kind, championVersion, stage, sentence]),
      [
        [
          'rollout',
          '1.0.0',
          0,
          '1.1.0 was stopped in stage 1 of 2 and not promoted: proven harm in task turn: success seen: 50 points worse, n 12 and 30 episodes; at most 2 points worse are allowed in a task. All robots go back to 1.0.0.',
        ],
        [null, null, null, '1.1.0 was not promoted: r. All robots go back to the champion.'],
        [
          'rollout',
          '1.0.0',
          0,
          '1.1.0 was not promoted: smoke; until then success between 17 points worse and 21 points better (seen: 2 points better), n 12 episodes of 1 robot with the candidate. All robots go back to 1.0.0.',
        ],
      ],
    );
  });

  it('say how much better the candidate is, task by task, by their own episodes', async () => {
    const { store } = world.ports;
    await putTrial('t1', 'rollout', 1);
    let id = 0;
    const ran = (robotId: string, index: number, version: string, trialId: string | null, wins: number) => ({
      robotId,
      bootId: bootOf(index),
      receivedMs: startMs + 25 * hourMs,
      clockSkewMs: 0,
      entries: Array.from({ length: 10 }, (_, at) =>
        episode(at, startMs + (at + 1) * 60_000, {
          episodeId: episodeIdOf((id += 1)),
          policyVersion: version,
          trialId,
          task: at % 2 === 0 ? 'follow' : 'turn',
          outcome: at < wins ? 'success' : 'failure',
        }),
      ),
    });
    // r0 carries the candidate; of r1 an episode under the trial by the champion counts for no candidate.
    const lines = [ran('r0', 1, '1.1.0', 't1', 9), ran('r1', 2, '1.0.0', null, 4), ran('r2', 3, '1.0.0', 't1', 4)];
    await world.facts.write(lines, startMs + 25 * hourMs);
    world.facts.nowMs = startMs + 27 * hourMs;
    await world.facts.compact();
    const tasks = async (path: string): Promise<TaskArmsAnswer> => {
      const { body, status } = await world.get(`/api/v1/${path}`);
      assert.equal(status, 200, JSON.stringify(body));
      return body as unknown as TaskArmsAnswer;
    };
    const nOf = ({ success }: TaskArmsAnswer['all']['champion']) =>
      success.kind === 'value' ? [success.n, success.value] : success.why;
    const answer = await tasks(`trials/t1/tasks?policy=${policy}`);
    assert.deepEqual(
      [nOf(answer.all.champion), nOf(answer.all.candidate)],
      [
        [20, 0.4],
        [10, 0.9],
      ],
    );
    assert.deepEqual(
      answer.tasks.map(({ task, champion, candidate }) => [task, nOf(champion), nOf(candidate)]),
      [
        ['follow', [10, 0.4], [5, 1]],
        ['turn', [10, 0.4], [5, 0.8]],
      ],
    );
    const { difference } = answer.all;
    assert.ok(difference.kind === 'value' && Math.abs(difference.value - 0.5) < 1e-9 && (difference.low ?? 0) > 0);
    // Two versions that no trial compared: all their episodes of the days.
    const pair = `models/1.1.0/tasks?policy=${policy}&other=1.0.0&from=2026-06-01&to=2026-06-04`;
    assert.equal((await tasks(pair)).trialId, null);
    const end = { trialId: 't1', policy, candidateVersion: '1.1.0', outcome: 'promoted', reason: 'r' };
    await store.put('trials/t1/end.json', jsonBytes({ ...end, atMs: startMs + 26 * hourMs }));
    const byTrial = await tasks(pair);
    assert.deepEqual([byTrial.trialId, nOf(byTrial.all.candidate)], ['t1', [10, 0.9]]);
    assert.equal((await world.get(`/api/v1/trials/none/tasks?policy=${policy}`)).status, 404);
    assert.equal((await world.get(`/api/v1/models/1.1.0/tasks?policy=${policy}&other=x`)).status, 400);
  });
});
