import assert from 'node:assert/strict';

import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { changeTasks } from '../../store/records/task-log.ts';
import { bootOf, episode, episodeIdOf, hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { ask, openConsoleWorld, type ConsoleWorld } from './console-world.ts';

interface Cell {
  readonly robots: number;
  readonly metric: { readonly kind: string; readonly value: number; readonly n: number; readonly low: number };
}
interface Item {
  readonly id: string;
  readonly standing: string;
  readonly isNew: boolean;
  readonly total: Cell;
  readonly weeks: readonly Cell[];
}
const hostile = '<script>alert(1)</script>';
const dayMs = 24 * hourMs;
const [first = ''] = scitosG5Type.tasks;
const second = 'dock';

/** 40 episodes of the first task in each of two weeks on two robots, 10 of the second in the newest week, and some of no known task. */
async function tell({ facts, ports: { store } }: ConsoleWorld): Promise<void> {
  const added = { changes: [{ kind: 'add', id: second, instruction: second }], who: 't', why: 't' } as const;
  await changeTasks({ store, clock: () => startMs - 90 * dayMs }, { policy, robotType: scitosG5Type, ...added });
  let id = 0;
  for (const [week, atMs] of [startMs, startMs + 7 * dayMs].entries())
    for (const [index, robotId] of ['r0', 'r2'].entries()) {
      const entries = Array.from({ length: 27 }, (_, at) => {
        const task = at < 20 ? first : at < 25 ? second : hostile;
        const isFailure = at < 20 && (at + week) % 10 === 0;
        return episode(40 * week + at, atMs + at, {
          episodeId: episodeIdOf((id += 1)),
          task,
          outcome: isFailure ? 'failure' : 'success',
          failureReason: at === 19 ? 'rollback' : null,
        });
      }).filter(({ seq }) => week === 1 || seq < 20);
      await facts.write([{ robotId, bootId: bootOf(index), receivedMs: atMs + 100, clockSkewMs: 0, entries }], atMs);
    }
  facts.nowMs = startMs + 7 * dayMs + 2 * hourMs;
  await facts.compact();
}

describe('success of tasks by week', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;
  const path = `/api/v1/tasks/weeks?policy=${policy}`;
  const itemsOf = async (query = ''): Promise<readonly Item[]> => {
    const { status, body, text } = await world.get(`${path}&weeks=3${query}`);
    assert.equal(status, 200, text);
    return body['items'] as readonly Item[];
  };

  before(async () => {
    world = await openConsoleWorld();
  });
  after(() => world.close());

  it('is not known without facts, and every task is unproven then', async () => {
    const { body } = await world.get(path);
    assert.deepEqual([body['state'], body['asOfMs']], ['noFacts', null]);
    assert.ok((body['items'] as Item[]).every(({ standing }) => standing === 'unproven'));
    assert.equal((body['weeks'] as unknown[]).length, 12);
  });

  it('counts each week apart, and all of them by robot', async () => {
    await tell(world);
    const { body } = await world.get(`${path}&weeks=3`);
    assert.deepEqual(body['weeks'], [
      { from: '2026-05-25', to: '2026-06-01' },
      { from: '2026-06-01', to: '2026-06-08' },
      { from: '2026-06-08', to: '2026-06-15' },
    ]);
    const [one, two] = body['items'] as readonly Item[];
    // One in twenty was ended by a rollback: it counts for nothing.
    assert.deepEqual(
      one?.weeks.map(({ robots, metric }) => [robots, metric.kind, metric.n, metric.value]),
      [
        [0, 'noData', undefined, undefined],
        [2, 'value', 38, 34 / 38],
        [2, 'value', 38, 36 / 38],
      ],
    );
    assert.deepEqual([one?.total.robots, one?.total.metric.n, one?.total.metric.value], [2, 76, 70 / 76]);
    assert.ok((one?.total.metric.low ?? 1) < 70 / 76);
    assert.deepEqual([one?.standing, two?.standing, two?.total.metric.n], ['operational', 'unproven', 10]);
    assert.deepEqual(body['unknown'], {
      tasks: 1,
      episodes: 4,
      first: [{ task: hostile, episodes: 4, robots: 2 }],
    });
  });

  it('looks back to the week of a day, in which nothing later counts', async () => {
    const [one] = await itemsOf('&until=2026-06-01');
    assert.deepEqual([one?.total.metric.n, one?.weeks.at(-1)?.metric.n], [38, 38]);
    const { body } = await world.get(`${path}&until=2021-06-01`);
    assert.equal(body['state'], 'empty');
    const filesOf = async (from: string, to: string): Promise<number> =>
      ((await world.facts.facts.scan('outcomes', { from, to })) ?? '').split('.parquet').length - 1;
    assert.deepEqual(
      [await filesOf('2021-06-01', '2021-06-08'), await filesOf('2026-06-01', '2026-06-08')],
      [0, await filesOf('2026-06-08', '2026-06-15')],
    );
    assert.ok((await filesOf('2026-06-01', '2026-06-02')) > 0);
    for (const wrong of ['until=2026-02-30', 'weeks=27', 'weeks=0', 'limit=101', 'standing=good', 'offset=-1'])
      assert.equal((await world.get(`${path}&${wrong}`)).status, 400, wrong);
  });

  it('finds tasks by name and standing, in pages, the worst first', async () => {
    const robotType = scitosG5Type;
    const changes = [
      { kind: 'add', id: 'new-task', instruction: hostile },
      { kind: 'retire', id: second },
    ] as const;
    const { store, clock } = world.ports;
    await changeTasks({ store, clock }, { policy, robotType, changes, who: hostile, why: hostile });
    const ids = async (query: string) => (await itemsOf(query)).map(({ id }) => id);
    assert.deepEqual(await ids('&standing=new'), ['new-task']);
    assert.deepEqual(await ids('&standing=retired'), [second]);
    assert.deepEqual(await ids('&search=SCRIPT'), ['new-task']);
    assert.deepEqual(await ids('&sort=worst'), ['new-task', first, second]);
    assert.deepEqual(await ids('&limit=1&offset=1'), [second]);
    const { body } = await world.get(`${path}&weeks=3&limit=1&offset=1`);
    assert.deepEqual([body['total'], body['next'], body['newTasks']], [3, 2, 1]);
  });

  it('is stopped when it takes too long', async () => {
    let stop: (() => void) | undefined;
    const app = await world.on({
      questionLimitMs: 5,
      engine: {
        open: async () => ({
          ...world.facts.session,
          rows: () => new Promise((_, reject) => (stop = () => reject(new Error('interrupted')))),
          interrupt: () => stop?.(),
          close: async () => undefined,
        }),
      },
    });
    const { status, text } = await ask(app, path, world.token);
    assert.equal(status, 429);
    assert.match(text, /took longer than 0\.005 s and was stopped/);
  });
});
