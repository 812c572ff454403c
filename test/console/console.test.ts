import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { incidentRecordSchema } from '../../activities/incidents/incident-log.ts';
import { mostPoints, readTrialCourse } from '../../activities/trials/trial-course.ts';
import type { TrialCourseAnswer } from '../../console/answers/trials.ts';
import { RateLimit } from '../../console/rate-limit.ts';
import { StoreWatch } from '../../console/store-watch.ts';
import { taskInterval } from '../../domain/experiment/task-interval.ts';
import type { TaskVerdict } from '../../domain/experiment/tasks.ts';
import { openFleet, quarantineRobot, readRobots } from '../../fleet/desk/index.ts';
import { operatorRoles, mayAct, readOperators, removeOperator } from '../../fleet/desk/operators.ts';
import { writePresence } from '../../fleet/desk/presence.ts';
import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import { writeLogEntry } from '../../store/append-log.ts';
import { failure } from '../../store/failures.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { setFreeze } from '../../store/records/freezes.ts';
import { addRobotTo, bootOf, episode, hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { ask, openConsoleWorld, type Answer, type ConsoleWorld } from './console-world.ts';

/** Where an incident of robot r1 is looked at. */
const atR1 = { page: 'robot', query: { id: 'r1' } };
const hostile = '<script>alert("1")</script>';
const typeOf = ({ body }: Answer): unknown => (body['error'] as { type?: string } | undefined)?.type;
/** The store, and the keys that were read of it. */
function countingStore(store: ObjectStore): { readonly asked: readonly string[]; readonly store: ObjectStore } {
  const asked: string[] = [];
  const get: typeof store.get = (key, range) => {
    asked.push(key);
    return store.get(key, range);
  };
  return { asked, store: { ...store, get } };
}
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
};
const itemsOf = ({ body }: Answer): Record<string, unknown>[] => body['items'] as Record<string, unknown>[];

/** Every path of the API with an example of what it asks for. */
const paths = [
  '/api/v1/me',
  '/api/v1/policies',
  `/api/v1/fleet?policy=${policy}`,
  `/api/v1/fleet/success?policy=${policy}`,
  '/api/v1/robots/r1',
  `/api/v1/cycles?policy=${policy}`,
  '/api/v1/cycle?id=c1',
  '/api/v1/cycle/report?id=c1',
  `/api/v1/cycle/now?policy=${policy}`,
  `/api/v1/trial?policy=${policy}`,
  `/api/v1/standing?policy=${policy}`,
  `/api/v1/trials?policy=${policy}`,
  '/api/v1/trials/t1',
  `/api/v1/metrics?policy=${policy}&from=2026-06-01&to=2026-06-03`,
  `/api/v1/metrics/course?policy=${policy}&from=2026-06-01&to=2026-06-03`,
  `/api/v1/rollback/targets?policy=${policy}`,
  `/api/v1/incidents?policy=${policy}`,
  `/api/v1/drift?policy=${policy}`,
  `/api/v1/models?policy=${policy}`,
  `/api/v1/models/1.0.0?policy=${policy}`,
  `/api/v1/models/1.0.0/robots?policy=${policy}`,
  `/api/v1/tasks?policy=${policy}`,
  `/api/v1/tasks/weeks?policy=${policy}`,
  `/api/v1/data?policy=${policy}`,
  `/api/v1/quarantine?policy=${policy}`,
  `/api/v1/labels?policy=${policy}&episode=E1`,
  `/api/v1/labels/queue?policy=${policy}`,
  `/api/v1/episodes?policy=${policy}`,
  `/api/v1/episodes/E1?policy=${policy}&day=2026-06-01`,
  `/api/v1/episodes/E1/clips/front?robot=r1&sha256=${'7'.repeat(64)}`,
  `/api/v1/episodes/E1/clips/front/images?robot=r1&sha256=${'7'.repeat(64)}`,
  `/api/v1/trials/t1/robots?policy=${policy}`,
  `/api/v1/trials/t1/tasks?policy=${policy}`,
  `/api/v1/models/1.0.0/tasks?policy=${policy}&other=1.1.0`,
  '/api/v1/audit',
  '/api/v1/sessions',
];

describe('the console’s server', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;

  beforeEach(async () => {
    world = await openConsoleWorld();
  });
  afterEach(() => world.close());

  it('describes every path, and every one of them is told in the document', async () => {
    const { body, status } = await world.get('/api/v1/openapi.json', null);
    assert.equal(status, 200);
    // What is asked for; acts are in acts.test.ts.
    const described = Object.entries(body['paths'] as Record<string, object>).flatMap(([path, methods]) =>
      path.startsWith('/api/') && 'get' in methods ? [path] : [],
    );
    const tried = paths.map((path) =>
      path
        .replace(/\?.*/, '')
        .replace('/episodes/E1', '/episodes/{episodeId}')
        .replace('/clips/front', '/clips/{camera}')
        .replace('/robots/r1', '/robots/{robotId}')
        .replace('/trials/t1', '/trials/{trialId}')
        .replace('/models/1.0.0', '/models/{version}'),
    );
    assert.deepEqual(described.toSorted(), [...tried, '/api/v1/events', '/api/v1/sign-in'].toSorted());
    const document = readFileSync(new URL('../../docs/console.md', import.meta.url), 'utf8');
    for (const path of described) assert.ok(document.includes(`\`${path}\``), path);
  });

  it('answers nobody without a token, and nobody with one that is wrong, of a robot, or taken away', async () => {
    const wrong = `${world.token.slice(0, -3)}AAA`;
    const robotToken = `fw.r1.${'A'.repeat(43)}`;
    for (const path of [...paths, `/api/v1/events?policy=${policy}`])
      for (const token of [null, wrong, robotToken, 'fo.nobody', 'x'.repeat(3_000)]) {
        world.monotonicMs += 60_000;
        const answer = await world.get(path, token);
        assert.deepEqual([answer.status, typeOf(answer)], [401, 'unauthenticated'], path);
      }
    assert.equal((await world.get('/api/v1/me')).status, 200);
    const { store, clock } = world.ports;
    await removeOperator({ store, clock }, { name: 'vera', who: 't', why: 't' });
    world.monotonicMs += 2_001;
    assert.equal((await world.get('/api/v1/me')).status, 401);
  });

  it('lets nobody guess, and nobody take all of it', async () => {
    const statuses = new Set<number>();
    for (let tries = 0; tries < 25; tries += 1) statuses.add((await world.get('/api/v1/me', null)).status);
    assert.deepEqual(statuses, new Set([401, 429]));
    // Who has a token is not kept out by those who guess.
    assert.equal((await world.get('/api/v1/me')).status, 200);
    let last: Answer | undefined;
    for (let asked = 0; asked < 101; asked += 1) last = await world.get('/api/v1/me');
    assert.equal(last?.status, 429);
    assert.ok(Number(last.headers['retry-after']) >= 1);
  });

  it('says no secret, whatever is asked', async () => {
    const { store } = world.ports;
    const hashes = [...(await readOperators(store)).values()].map((operator) => operator.tokenHash);
    world.facts.nowMs = startMs + hourMs;
    await world.facts.compact();
    for (const path of paths) {
      const { text } = await world.get(path);
      for (const secret of [...hashes, '0'.repeat(64), world.token, 'tokenHash'])
        assert.ok(!text.includes(secret), `${path}: ${secret}`);
    }
  });

  it('sends every answer with headers that let a page do nothing else', async () => {
    for (const path of [...paths, '/api/v1/nothing', '/%']) {
      const { headers } = await world.get(path);
      assert.match(String(headers['content-type']), /^application\/json/, path);
      assert.match(String(headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/, path);
      assert.equal(headers['x-content-type-options'], 'nosniff', path);
    }
    assert.equal((await world.get('/api/v1/me')).headers['cache-control'], 'no-store');
  });

  it('shows a fleet in pages and by what is searched for, and a policy that nobody made as not there', async () => {
    const { store, clock } = world.ports;
    await quarantineRobot({ store, clock }, { robotId: 'r2', who: 'ada', why: hostile });
    await writePresence(store, policy, {
      gatewayId: 'g1',
      sinceMs: startMs - hourMs,
      atMs: startMs,
      robots: ['r0', 'r1'].map((robotId, index) => ({
        robotId,
        installedVersion: '1.0.0',
        assignmentSeq: null,
        deliveredSeq: null,
        isBusy: false,
        droppedEpisodes: 0,
        lastSeenMs: startMs - index * hourMs,
        saidMs: startMs,
      })),
    });
    const fleet = `/api/v1/fleet?policy=${policy}`;
    const first = await world.get(`${fleet}&limit=2`);
    assert.deepEqual(
      [itemsOf(first).map((one) => one['robotId']), first.body['total'], first.body['next']],
      [['r0', 'r1'], 3, 'r1'],
    );
    const second = await world.get(`${fleet}&limit=2&after=r1`);
    assert.deepEqual([itemsOf(second).map((one) => one['robotId']), second.body['next']], [['r2'], null]);
    assert.deepEqual(itemsOf(second)[0]?.['quarantine'], { sinceMs: startMs, who: 'ada', why: hostile });
    const found = async (query: string) => itemsOf(await world.get(`${fleet}&${query}`)).map((one) => one['robotId']);
    assert.deepEqual(await found('contact=online'), ['r0']);
    assert.deepEqual(await found('site=yard'), ['r1']);
    assert.deepEqual(await found('quarantined=true'), ['r2']);
    assert.deepEqual(await found('version=none'), ['r2']);
    assert.deepEqual(await found('search=yar'), ['r1']);
    assert.deepEqual(first.body['contacts'], [
      { name: 'online', robots: 1 },
      { name: 'silent', robots: 1 },
      // Its record is a moment old: nothing follows from its silence yet.
      { name: 'unknown', robots: 1 },
    ]);
    // Who left between two pages, or is none of those that are asked for now, ends no list.
    assert.deepEqual(await found('limit=2&after=r00'), ['r1', 'r2']);
    assert.deepEqual(await found('site=hall&after=r1'), ['r2']);
    assert.deepEqual(await found('after=r2'), []);
    assert.deepEqual(await found('after=zz'), []);
    for (const limit of ['0', '501', 'all']) assert.equal((await world.get(`${fleet}&limit=${limit}`)).status, 400);
    const nobody = await world.get('/api/v1/fleet?policy=nobody');
    assert.deepEqual([nobody.status, typeOf(nobody)], [404, 'notFound']);
    assert.equal((await world.get('/api/v1/robots/nobody')).status, 404);
    assert.equal((await world.get('/api/v1/robots/..%2Fr1')).status, 400);
  });

  it('shows every robot once in pages, also where the store lists the name of one before that of a shorter one', async () => {
    for (const robotId of ['r1-a', 'r1-b', 'r10']) await addRobotTo(world.ports, robotId);
    const found: string[] = [];
    for (let after: string | null = ''; after !== null;) {
      const page = await world.get(`/api/v1/fleet?policy=${policy}&limit=1&after=${after}`);
      found.push(...itemsOf(page).map((one) => String(one['robotId'])));
      after = page.body['next'] as string | null;
    }
    assert.deepEqual(found, ['r0', 'r1', 'r1-a', 'r1-b', 'r10', 'r2']);
  });

  it('tells a store that does not answer, a server that does not, a damaged object and nothing at all apart', async () => {
    const refusing = async () => {
      throw failure('StoreUnavailable', 'access denied for key AKIA123');
    };
    const { store } = world.ports;
    const list: typeof store.list = (prefix, options) =>
      prefix.startsWith('config/operators')
        ? store.list(prefix, options)
        : (async function* () {
            await refusing();
            yield* [];
          })();
    const get: typeof store.get = (key, range) =>
      key.startsWith('config/operators') ? store.get(key, range) : refusing();
    const away = await world.on({ store: { ...store, get, list, localPath: refusing } });
    for (const path of paths.filter((one) => !one.includes('/me') && !one.includes('/cycle?'))) {
      const answer = await ask(away, path, world.token);
      assert.deepEqual([answer.status, typeOf(answer)], [503, 'storeUnavailable'], path);
      assert.ok(!answer.text.includes('AKIA'), 'what the store said stays in the log');
    }
    const noServer = await world.get(`/api/v1/trial?policy=${policy}`);
    assert.deepEqual([noServer.status, typeOf(noServer)], [503, 'temporalUnavailable']);
    // What the store tells is told all the same: a freeze never looks like none because workflows do not answer.
    await setFreeze(world.ports, { policy, who: 'ada', why: 'a fair', until: '2026-07-01', mayShorten: false });
    const standing = await world.get(`/api/v1/standing?policy=${policy}`);
    const freeze = standing.body['freeze'] as Record<string, unknown>;
    assert.deepEqual([standing.status, freeze['kind'], freeze['who'], freeze['why']], [200, 'frozen', 'ada', 'a fair']);
    const cycles = await world.get(`/api/v1/cycles?policy=${policy}`);
    assert.deepEqual([cycles.status, itemsOf(cycles)], [200, []]);
    await store.put('reports/c1.json', new TextEncoder().encode('{'));
    assert.deepEqual((await world.get(`/api/v1/cycles?policy=${policy}`)).body['damaged'], ['reports/c1.json']);
    const damaged = await world.get('/api/v1/cycle?id=c1');
    assert.deepEqual([damaged.status, typeOf(damaged)], [500, 'damaged']);
  });

  it('shows how a trial stands, by what its workflows say', async () => {
    const run = { workflowId: 'trial/wall', run: 'RUNNING', startedMs: 1, endedMs: null, status: { stage: 'rollout' } };
    const app = await world.on({
      loop: {
        trial: async () => run,
        trialSteps: async () => ({ abTest: null, rollout: { ...run, status: null } }),
        rollback: async () => null,
        cycle: async () => run,
        runningCycle: async () => null,
      },
    });
    const { body } = await ask(app, `/api/v1/trial?policy=${policy}`, world.token);
    assert.deepEqual([body['trial'], body['abTest'], body['rollback'], body['order']], [run, null, null, null]);
    const { store, clock } = world.ports;
    const record = { kind: 'assign', defaultVersion: '1.1.0', championVersion: '1.1.0', trialId: null } as const;
    const origin = { urgency: 'safeStop', overrides: [], operationId: 'o', who: 't', why: 't', atMs: 1 } as const;
    await openFleet({ store, clock }).write({ policy, seq: 0, record: { ...record, ...origin } });
    const now = await ask(app, `/api/v1/trial?policy=${policy}`, world.token);
    const { said, ...counts } = now.body['order'] as { readonly said: unknown };
    const { seq, robots, ...rest } = counts as Record<string, number>;
    // Nobody tells of a robot: none has confirmed, and none is left out of the count.
    assert.deepEqual([seq, robots, rest['confirmed']], [0, (await readRobots(store)).size, 0]);
    assert.deepEqual(said, { championVersion: '1.1.0', who: 't', why: 't', atMs: 1 });
    assert.equal(
      Object.values(rest).reduce((sum, count) => sum + count, 0),
      robots,
    );
    const cycle = await ask(app, '/api/v1/cycle?id=cycle/wall-1', world.token);
    assert.deepEqual([cycle.body['report'], cycle.body['run']], [null, run]);
  });

  it('shows the course of a trial as a curve of bounded length with its first and last verdict', async () => {
    const { store } = world.ports;
    await store.put('trials/t1/plan.json', jsonBytes({ trialId: 't1', kind: 'rollout' }));
    await store.put(
      'trials/t1/end.json',
      jsonBytes({ trialId: 't1', policy, outcome: 'promoted', reason: hostile, candidateVersion: '1.1.0', atMs: 5 }),
    );
    const ticks = mostPoints + 203;
    for (let tick = 0; tick < ticks; tick += 1)
      await store.put(
        `trials/t1/verdicts/tick-${String(tick).padStart(8, '0')}.json`,
        jsonBytes({
          result: {
            verdict: 'hold',
            reason: 'r',
            delta: tick,
            lowerBound: -0.1,
            marginFraction: 0.05,
            robots: 3,
            episodes: tick,
          },
        }),
      );
    await store.put('trials/t1/verdicts/tick-00000001.json', new TextEncoder().encode('no'));
    const { body } = await world.get('/api/v1/trials/t1');
    const points = body['points'] as { index: number; delta: number; atMs: number }[];
    assert.equal(body['verdicts'], ticks);
    assert.ok(points.length > mostPoints - 3 && points.length <= mostPoints, `${points.length}`);
    const indexes = new Set(points.map(({ index }) => index));
    assert.ok(indexes.size === points.length);
    assert.equal(body['tasks'], null);
    const ended = itemsOf(await world.get(`/api/v1/trials?policy=${policy}`));
    const { sentence, ...told } = ended[0] ?? {};
    assert.deepEqual(told, {
      trialId: 't1',
      candidateVersion: '1.1.0',
      outcome: 'promoted',
      reason: hostile,
      atMs: 5,
      kind: null,
      championVersion: null,
      stage: null,
    });
    assert.equal(sentence, `1.1.0 became champion: ${hostile}.`);
    assert.equal((await world.get('/api/v1/trials/none')).status, 404);
  });

  it('says of single tasks what the last verdict that judged them says, the worst first, and nothing of what is not known', async () => {
    const { store } = world.ports;
    await store.put('trials/t1/plan.json', jsonBytes({ trialId: 't1', kind: 'rollout' }));
    const one = { p: 1, pWithoutWorst: 1, logEvidence: 0, robots: { candidate: 2, control: 3 } };
    const episodes = { candidate: 40, control: 90 };
    const perTask = [
      { ...one, task: 'same', delta: 0, variance: 0.0025, episodes },
      { ...one, task: 'new', delta: 0, variance: 1, episodes: { candidate: 0, control: 90 } },
      { ...one, task: 'worse', delta: -0.5, variance: 0.01, episodes },
    ];
    const tasks: TaskVerdict = { block: ['worse'], warn: [], unproven: ['new'], latched: [], perTask, reasons: [] };
    const put = (tick: number, more: object): Promise<void> =>
      store.put(
        `trials/t1/verdicts/tick-${String(tick).padStart(8, '0')}.json`,
        jsonBytes({ asked: { nowMs: startMs + tick }, result: { verdict: 'hold', reason: 'r' }, ...more }),
      );
    await put(0, { tasks: { ...tasks, perTask: [] } });
    await put(1, { tasks });
    // One of an earlier version, and one that is torn.
    await put(2, {});
    await store.put('trials/t1/verdicts/tick-00000003.json', new TextEncoder().encode('{'));
    const told = (await world.get('/api/v1/trials/t1')).body['tasks'] as NonNullable<TrialCourseAnswer['tasks']>;
    assert.deepEqual([told.atMs, told.total], [startMs + 1, 3]);
    assert.deepEqual(
      told.items.map(({ task, delta, standing }) => [task, delta, standing]),
      [
        ['worse', -0.5, 'worse'],
        ['same', 0, 'judged'],
        ['new', null, 'unproven'],
      ],
    );
    const same = told.items[1];
    assert.ok(Math.abs((same?.high ?? 0) - 0.098) < 1e-4 && same?.low === -(same?.high ?? 0));
    assert.deepEqual([same?.candidateEpisodes, same?.controlRobots], [40, 3]);
    assert.equal(taskInterval({ delta: 0, variance: null, episodes }), null);
    assert.equal(taskInterval({ delta: 0, variance: Infinity, episodes }), null);
    assert.deepEqual(taskInterval({ delta: -0.9, variance: 1, episodes })?.low, -1);
  });

  it('tells metrics without facts, an empty time and a read one apart', async () => {
    const path = `/api/v1/metrics?policy=${policy}&from=2026-06-01&to=2026-06-03&by=site`;
    assert.equal((await world.get(path)).body['state'], 'noFacts');
    await world.facts.compact();
    assert.equal((await world.get(path)).body['state'], 'empty');
    const entries = [episode(0, startMs), episode(1, startMs + 1)];
    await world.facts.write(
      [{ robotId: 'r0', bootId: bootOf(0), receivedMs: startMs + 2, clockSkewMs: 0, entries }],
      startMs,
    );
    world.facts.nowMs = startMs + 2 * hourMs;
    await world.facts.compact();
    const { body } = await world.get(path);
    assert.deepEqual([body['state'], body['asOfMs']], ['read', startMs + 2 * hourMs]);
    const groups = body['groups'] as { name: string; metrics: { name: string; metric: Record<string, unknown> }[] }[];
    assert.deepEqual(
      groups.map(({ name }) => name),
      ['hall', 'yard'],
    );
    assert.deepEqual(groups[0]?.metrics[0]?.metric['value'], 1);
    for (const days of ['from=2026-13-01', 'to=2026-02-30', 'to=2026-13-01', 'from=soon'])
      assert.equal((await world.get(`/api/v1/metrics?policy=${policy}&${days}`)).status, 400, days);
    assert.equal((await world.get(`/api/v1/metrics?policy=${policy}&by=everything`)).status, 400);
  });

  it('says whether anybody looked before a list of incidents is empty', async () => {
    const before = await world.get(`/api/v1/incidents?policy=${policy}`);
    assert.deepEqual([before.body['lookedAtMs'], before.body['open'], before.body['events']], [null, [], []]);
    const event = {
      incidentId: 'silent.r1.1',
      cause: 'silent',
      subject: 'r1',
      state: 'opened',
      atMs: startMs,
      reason: hostile,
    };
    await writeLogEntry(
      world.ports.store,
      `incidents/${policy}`,
      0,
      incidentRecordSchema.parse({ lookId: '1', events: [event] }),
    );
    assert.deepEqual((await world.get(`/api/v1/incidents?policy=${policy}`)).body['events'], [{ ...event, see: atR1 }]);
  });

  it('tells the figures of a look for drift beside their limits, of the days asked for, and nothing where none is kept', async () => {
    const drift = async (more = '') => (await world.get(`/api/v1/drift?policy=${policy}${more}`)).body;
    assert.deepEqual([(await drift())['lookMs'], (await drift())['rows']], [null, []]);
    const sizes = { reference: 12, current: 10 };
    const feature = {
      feature: hostile,
      verdict: 'alarm',
      stabilityIndex: 0.5,
      stabilityThreshold: 0.1,
      distance: 0.02,
    };
    const verdict = {
      alarm: true,
      features: [feature],
      discrepancy: { value: 1, p: 0.5 },
      robots: sizes,
      samples: sizes,
    };
    const earlier = `monitor/${policy}/drift/${startMs}.json`;
    await world.ports.store.put(earlier, jsonBytes({ ...verdict, reasons: [] }));
    const limits = { psiWarn: 0.1, psiAlarm: 0.4, ksDistance: 0.1, discrepancyP: 0.01 };
    await world.ports.store.put(`monitor/${policy}/drift/${startMs + 1}.json`, jsonBytes({ ...verdict, limits }));
    const rowOf = async (more: string) => {
      const body = await drift(more);
      const [row] = body['rows'] as Record<string, unknown>[];
      return [body['lookMs'], body['rowsTotal'], row?.['feature'], row?.['value'], row?.['limit'], row?.['state']];
    };
    assert.deepEqual(await rowOf(''), [startMs + 1, 3, hostile, 0.5, 0.4, 'alarm']);
    // An earlier build did not say its limits: they were the defaults.
    assert.deepEqual(await rowOf(`&until=${startMs}`), [startMs, 3, hostile, 0.5, 0.25, 'alarm']);
    for (const wrong of ['&until=soon', '&until=-1', '&until=1.5'])
      assert.equal((await world.get(`/api/v1/drift?policy=${policy}${wrong}`)).status, 400, wrong);
  });

  it('shows the last events without reading the years before, and names a record that is damaged', async () => {
    const { store } = world.ports;
    const events = Array.from({ length: 120 }, (_, at) => ({
      incidentId: `silent.r1.${at}`,
      cause: 'silent',
      subject: at === 3 ? 'r2' : 'r1',
      state: 'opened',
      atMs: startMs + at,
      reason: 'r',
    }));
    for (const [at, event] of events.entries())
      await writeLogEntry(
        store,
        `incidents/${policy}`,
        at,
        incidentRecordSchema.parse({ lookId: `${at}`, events: [event] }),
      );
    const lost = `incidents/${policy}/${'118'.padStart(20, '0')}.json`;
    await store.put(lost, new TextEncoder().encode('{'));
    const { asked, store: counting } = countingStore(store);
    const app = await world.on({ store: counting });
    const { body } = await ask(app, `/api/v1/incidents?policy=${policy}&limit=3`, world.token);
    assert.deepEqual(
      [body['events'], body['damaged']],
      [[116, 117, 119].map((at) => ({ ...events[at], see: atR1 })), [lost]],
    );
    assert.ok(asked.filter((key) => key.startsWith('incidents/')).length <= 16);
    const { body: page } = await ask(app, '/api/v1/robots/r2', world.token);
    const robot = page['robot'] as { incidents: { atMs: number }[]; damaged: string[] };
    assert.deepEqual([robot.incidents.map(({ atMs }) => atMs), robot.damaged], [[startMs + 3], [lost]]);
  });

  it('shows the last trials without reading the years before, by when they ended', async () => {
    const { store } = world.ports;
    for (let at = 0; at < 60; at += 1)
      await store.put(
        `trials/t${at}/end.json`,
        jsonBytes({
          trialId: `t${at}`,
          policy: at % 2 === 0 ? policy : 'other',
          outcome: 'promoted',
          reason: 'r',
          candidateVersion: null,
          atMs: at,
        }),
      );
    const { asked, store: counting } = countingStore(store);
    const app = await world.on({ store: counting });
    const ended = itemsOf(await ask(app, `/api/v1/trials?policy=${policy}&limit=3`, world.token));
    assert.deepEqual(
      ended.map(({ trialId }) => trialId),
      ['t54', 't56', 't58'],
    );
    assert.ok(asked.filter((key) => key.startsWith('trials/') && key.endsWith('/end.json')).length <= 16);
  });

  it('reads the records of a fleet once, however many robots are looked at', async () => {
    const { asked, store } = countingStore(world.ports.store);
    const app = await world.on({ store });
    await ask(app, '/api/v1/robots/r1', world.token);
    const first = asked.filter((key) => key.startsWith('robots/r0/')).length;
    await ask(app, '/api/v1/robots/r2', world.token);
    const second = asked.filter((key) => key.startsWith('robots/r0/')).length;
    assert.deepEqual([first, second], [1, 1]);
  });

  it('names tasks, models and who asks', async () => {
    const tasks = await world.get(`/api/v1/tasks?policy=${policy}`);
    assert.ok((tasks.body['tasks'] as unknown[]).length > 0);
    const models = await world.get(`/api/v1/models?policy=${policy}`);
    assert.deepEqual([models.body['aliases'], models.body['versions']], [{}, []]);
    const me = await world.get('/api/v1/me', await world.add('ada', 'approver'));
    assert.deepEqual([me.body['name'], me.body['role']], ['ada', 'approver']);
  });

  const listening = (url: string, token: string, signal: AbortSignal) =>
    fetch(`${url}/api/v1/events?policy=${policy}`, { headers: { authorization: `Bearer ${token}` }, signal });

  it('keeps no place of a stream for who left before it began, and lets nobody take all places', async () => {
    const { store } = world.ports;
    const waiting: (() => void)[] = [];
    let isSlow = true;
    const get: typeof store.get = async (key, range) => {
      if (isSlow && !key.startsWith('config/operators')) await new Promise<void>((resolve) => waiting.push(resolve));
      return store.get(key, range);
    };
    const list: typeof store.list = (prefix, options) => store.list(prefix, options);
    const localPath: typeof store.localPath = (key) => store.localPath(key);
    const app = await world.on({ store: { ...store, get, list, localPath } });
    const closed: Promise<unknown>[] = [];
    app.addHook('onRequest', async (_, { raw }) => {
      closed.push(new Promise((resolve) => raw.once('close', resolve)));
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const leaving = new AbortController();
    const left = Array.from({ length: 10 }, () => listening(url, world.token, leaving.signal).catch(() => undefined));
    await until(() => waiting.length === 10);
    leaving.abort();
    await Promise.all([...left, ...closed]);
    isSlow = false;
    for (const go of waiting) go();
    await new Promise((resolve) => setImmediate(resolve));
    const staying = new AbortController();
    const open = [];
    for (let at = 0; at < 11; at += 1) open.push(await listening(url, world.token, staying.signal));
    assert.deepEqual(
      open.map(({ status }) => status),
      [...Array<number>(10).fill(200), 429],
    );
    // Others have theirs, and a place that is given back may be taken again.
    assert.equal((await listening(url, await world.add('ada', 'viewer'), staying.signal)).status, 200);
    staying.abort();
    await Promise.all(closed);
    const last = new AbortController();
    assert.equal((await listening(url, world.token, last.signal)).status, 200);
    last.abort();
  });

  it('ends the stream of who is removed', async () => {
    const { store, clock } = world.ports;
    const app = await world.on({ beatMs: 5 });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const response = await listening(url, world.token, new AbortController().signal);
    const reader = response.body?.getReader();
    assert.ok(reader);
    for (let beats = 0; beats < 3; beats += 1) assert.equal((await reader.read()).done, false);
    await removeOperator({ store, clock }, { name: 'vera', who: 't', why: 't' });
    world.monotonicMs += 2_001;
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    }, /terminated/);
    assert.equal((await listening(url, world.token, new AbortController().signal)).status, 401);
  });

  it('tells those who listen that something changed, once, and of their policy only', async () => {
    const { store, clock } = world.ports;
    const changes: unknown[] = [];
    const app = await world.on({ clock });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const stopped = new AbortController();
    const response = await fetch(`${url}/api/v1/events?policy=${policy}`, {
      headers: { authorization: `Bearer ${world.token}` },
      signal: stopped.signal,
    });
    assert.match(String(response.headers.get('content-type')), /^text\/event-stream/);
    assert.match(String(response.headers.get('content-security-policy')), /default-src 'none'/);
    assert.ok(response.body);
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? [])
        for (const [, data = ''] of decoder.decode(chunk as Uint8Array).matchAll(/^data: (.*)$/gm)) {
          changes.push(JSON.parse(data));
          return;
        }
    })();
    // Looks are five seconds apart: the first one remembers, the next one tells.
    const writes: Promise<unknown>[] = [];
    const adding = setInterval(() => {
      const robot = addRobotTo({ store, clock }, 'r9');
      const step = store.put(`facts/${policy}/steps/${String(Date.now()).padStart(20, '0')}.json`, jsonBytes({}));
      writes.push(Promise.allSettled([robot, step]));
    }, 2_000);
    await reading;
    clearInterval(adding);
    await Promise.all(writes);
    stopped.abort();
    assert.deepEqual(changes, [{ topic: 'facts', policy }]);
  });
});

describe('a watch of the store', () => {
  const change = (topic: string) => ({ topic, policy });

  it('tells each change once, and nothing for gateways that say again who is there', async () => {
    let nowMs = 0;
    const store = memoryObjectStore(() => (nowMs += 1));
    const told: unknown[] = [];
    const watch = new StoreWatch({ store });
    const stop = watch.listen(policy, (one) => told.push(one));
    await watch.look();
    for (let beat = 0; beat < 3; beat += 1) {
      await store.put(`fleet/${policy}/presence/g1.json`, jsonBytes({ beat }));
      await watch.look();
    }
    assert.deepEqual(told, []);
    await store.put(`fleet/${policy}/assignments/0.json`, jsonBytes({}));
    await store.put('fleet/other/assignments/0.json', jsonBytes({}));
    await watch.look();
    await watch.look();
    stop();
    assert.deepEqual(told, [change('fleet')]);
  });

  it('tells what it can read where something cannot be listed, and looks once at a time', async () => {
    const memory = memoryObjectStore();
    let [refuses, lists] = [true, 0];
    const list: typeof memory.list = (prefix, options) => {
      lists += 1;
      if (refuses && prefix.startsWith('fleet/')) throw failure('StoreUnavailable', 'access denied');
      return memory.list(prefix, options);
    };
    const told: unknown[] = [];
    const watch = new StoreWatch({ store: { ...memory, list } });
    const stop = watch.listen(policy, (one) => told.push(one));
    await watch.look();
    const ofOneLook = lists;
    await Promise.all([watch.look(), watch.look(), watch.look()]);
    assert.equal(lists, 2 * ofOneLook);
    await memory.put('reports/c1.json', jsonBytes({}));
    await watch.look();
    assert.deepEqual(told, [change('cycles')]);
    refuses = false;
    await watch.look();
    await memory.put(`fleet/${policy}/assignments/0.json`, jsonBytes({}));
    await watch.look();
    stop();
    assert.deepEqual(told, [change('cycles'), change('fleet')]);
  });
});

describe('the course of a trial', () => {
  it('has the times for which verdicts were asked; those of their writing where one does not say', async () => {
    const store = memoryObjectStore(() => 9_000);
    // Asked in this order and written, or restored, in another one: all at once.
    for (const [tick, nowMs] of [3_000, 1_000, 2_000, undefined].entries())
      await store.put(
        `trials/t1/verdicts/tick-${String(tick).padStart(8, '0')}.json`,
        jsonBytes({ asked: nowMs === undefined ? {} : { nowMs }, result: { verdict: 'hold', reason: 'r' } }),
      );
    const { points } = await readTrialCourse(store, 't1', () => assert.fail());
    assert.deepEqual(
      points.map(({ index, atMs }) => [index, atMs]),
      [
        [1, 1_000],
        [2, 2_000],
        [0, 3_000],
        [3, 9_000],
      ],
    );
  });

  it('says who was compared, also of earlier versions, whose guard judges the holdback in the last stage', async () => {
    const store = memoryObjectStore();
    const result = { verdict: 'advance', reason: 'r', robots: 5, episodes: 61 };
    const side = (robots: number, episodes: number) => ({ robots, episodes, successes: 1 });
    const arms = { candidate: side(15, 99), control: side(5, 61) };
    const look = { decision: 'continue', reason: 'r', candidateRobots: 9, candidateEpisodes: 90, controlRobots: 8 };
    for (const [name, verdict] of Object.entries({
      'tick-00000000': { asked: { nowMs: 1, stage: 2 }, result },
      'tick-00000001': { asked: { nowMs: 2, stage: 3 }, result },
      'tick-00000002': { asked: { nowMs: 3, stage: 3 }, result, arms },
      'look-0003': { asked: { nowMs: 4 }, result: look },
    }))
      await store.put(`trials/t1/verdicts/${name}.json`, jsonBytes(verdict));
    const { points } = await readTrialCourse(store, 't1', () => assert.fail());
    assert.deepEqual(
      points.map((point) => [
        point.candidateRobots,
        point.candidateEpisodes,
        point.controlRobots,
        point.controlEpisodes,
      ]),
      [
        [5, 61, null, null],
        [null, null, 5, 61],
        [15, 99, 5, 61],
        [9, 90, 8, null],
      ],
    );
  });
});

describe('the roles of operators', () => {
  it('may what the ones before may', () => {
    for (const [index, role] of operatorRoles.entries())
      for (const [at, least] of operatorRoles.entries()) assert.equal(mayAct(role, least), index >= at);
  });
});

describe('a rate limit', () => {
  it('lets a burst through and then so many a second, each name for itself, and remembers boundedly many', () => {
    let nowMs = 0;
    const limit = new RateLimit({ burst: 3, perSecond: 2, monotonicMs: () => nowMs });
    assert.deepEqual(
      [1, 2, 3].map(() => limit.take('a')),
      [0, 0, 0],
    );
    assert.equal(limit.take('a'), 500);
    assert.equal(limit.take('b'), 0);
    nowMs = 500;
    assert.equal(limit.take('a'), 0);
    assert.ok(limit.take('a') > 0);
    for (let name = 0; name < 20_000; name += 1) limit.take(`n${name}`);
    // Forgotten in favour of the others.
    assert.equal(limit.take('a'), 0);
  });
});
