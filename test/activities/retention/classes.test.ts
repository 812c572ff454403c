import assert from 'node:assert/strict';

import type { DataScope } from '../../../domain/legal-hold.ts';
import type { RetentionLimits } from '../../../domain/retention.ts';
import { sweepStore, type SweepStoreResult } from '../../../activities/retention/sweep-store.ts';
import { readRetentionHistory, setRetentionLimits } from '../../../store/records/retention-limits.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { addHold, liftHold, readHoldEvents } from '../../../store/records/legal-holds.ts';
import { parseEpisodeList, writeEpisodeList } from '../../../store/records/episode-lists.ts';
import { isHeldSql, readHeldData } from '../../../activities/retention/held-data.ts';
import { retireRobot } from '../../../fleet/desk/index.ts';
import { addRobotTo } from '../facts/fact-world.ts';
import { episodesSql, frames, openLakeFixture, startMs, transaction } from '../lake/lake-fixture.ts';
import { laterEngine, laterLake } from './no-lake.ts';

const dayMs = 86_400_000;
const policy = 'wall';
const word = { who: 'ada', why: 'a letter of the court' };
const id = (index: number): string => `01JD0000000000000000000${String(index).padStart(3, '0')}`;
const hex = (letter: string): string => letter.repeat(64);

function world() {
  let nowMs = Date.UTC(2026, 0, 1);
  const store = memoryObjectStore(() => nowMs);
  const clock = (): number => nowMs;
  return {
    store,
    clock,
    pass: (days: number) => (nowMs += days * dayMs),
    limit: (limits: Partial<RetentionLimits>) => setRetentionLimits({ store, clock }, limits, word),
    hold: (scope: DataScope) => addHold({ store, clock }, scope, word),
    lift: (name: string) => liftHold({ store, clock }, name, word),
    sweep: (dryRun = false): Promise<SweepStoreResult> =>
      sweepStore({
        store,
        clock,
        progress: () => undefined,
        scratchDirectory: '/nowhere',
        lake: laterLake,
        engine: laterEngine,
      })({ policy, dayMs, dryRun }),
    keys: async (prefix = ''): Promise<readonly string[]> => {
      const keys: string[] = [];
      for await (const { key } of store.list(prefix)) keys.push(key);
      return keys;
    },
  };
}
type World = ReturnType<typeof world>;

const put = (here: World, key: string, value: unknown): Promise<void> => here.store.put(key, jsonBytes(value));

/** Telemetry of one robot with one episode, in the hour of now. */
async function telemetry(here: World, robotId: string, episodeId: string): Promise<string> {
  const at = new Date(here.clock()).toISOString();
  const key = `telemetry/${policy}/${at.slice(0, 10)}/${at.slice(11, 13)}/${robotId}.all`;
  const entry = {
    seq: 1,
    atMs: here.clock(),
    policyVersion: null,
    trialId: null,
    kind: 'episode',
    episodeId,
    task: 't',
    durationMs: 1,
    outcome: 'success',
    failureReason: null,
    intervened: false,
    latencyP50Ms: null,
  };
  const line = { robotId, receivedMs: here.clock(), bootId: id(0), clockSkewMs: 0, entries: [entry] };
  await here.store.put(key, new TextEncoder().encode(`${JSON.stringify(line)}\n`));
  return key;
}

async function quarantine(
  here: World,
  robotId: string,
  letter: string,
  scope: string,
  episodeId: string,
): Promise<void> {
  const violation = { rule: 'r', doc: '', value: '', expected: '', row: null, episodeId };
  await here.store.put(`quarantine/c/${hex(letter)}.parquet`, new Uint8Array(9));
  await put(here, `quarantine/c/${hex(letter)}.json`, {
    sha256: hex(letter),
    cycleId: 'c',
    scope,
    landingKey: 'l',
    robotId,
    robotType: null,
    receivedMs: 1,
    sizeBytes: 9,
    rules: ['r'],
    violations: [violation],
    violationsNotListed: 0,
  });
}

const reportOf = ({ classes = [] }: SweepStoreResult, kind: string) => classes.find((one) => one.class === kind);

/** One object or more of every class but frames, all as old as each other. */
async function everyClass(here: World): Promise<readonly string[]> {
  await telemetry(here, 'r1', id(1));
  await telemetry(here, 'r10', id(2));
  await put(here, `telemetry-summaries/${policy}/${dayMs}/2026-01-01/00.json`, {});
  await quarantine(here, 'r1', 'a', 'segment', id(3));
  await quarantine(here, 'r10', 'b', 'episode', id(4));
  await put(here, 'removed/r10/x.parquet', {});
  await put(here, 'trials/t1/plan.json', {});
  await put(here, 'trials/t1/verdicts/tick-00000001.json', {});
  await put(here, 'trials/t2/plan.json', {});
  await put(here, 'trials/t2/end.json', { policy, candidateVersion: '1.1.0' });
  await put(here, 'trials/t2/verdicts/tick-00000001.json', {});
  await put(here, 'trials/t2/cells/parts/x.json', {});
  await put(here, 'reports/cycle-1.json', {});
  await put(here, 'reports/cycle-1.html', {});
  return here.keys();
}

describe('retention by class', () => {
  it('keeps everything for ever until a limit is set; then tells in a dry run exactly what goes', async () => {
    const here = world();
    const before = await everyClass(here);
    here.pass(5_000);
    await here.sweep();
    assert.deepEqual(await here.keys(), before);
    await here.limit({ telemetry: 60, quarantine: 60, verdicts: 60, reports: 60 });
    const dry = await here.sweep(true);
    assert.equal((await here.keys()).length, before.length + 1, 'nothing but the limits is new');
    const real = await here.sweep();
    assert.deepEqual(real.classes, dry.classes);
    assert.deepEqual(
      (await here.keys()).filter((key) => !key.startsWith('config/')),
      [
        // Its trial has not ended, and looks back to this.
        `telemetry-summaries/${policy}/${dayMs}/2026-01-01/00.json`,
        `telemetry/${policy}/2026-01-01/00/r1.all`,
        `telemetry/${policy}/2026-01-01/00/r10.all`,
        'trials/t1/plan.json',
        // It has not ended: what its judges saw stays.
        'trials/t1/verdicts/tick-00000001.json',
        'trials/t2/end.json',
        'trials/t2/plan.json',
      ],
    );
    const verdicts = reportOf(real, 'verdicts');
    assert.deepEqual(
      [verdicts?.objects, verdicts?.oldestMs, verdicts?.kept],
      [2, Date.UTC(2026, 0, 1), [{ why: 'trial t1 has not ended', objects: 1 }]],
    );
    assert.deepEqual(reportOf(real, 'quarantine')?.objects, 5);
    const again = await here.sweep();
    assert.ok(
      again.classes?.every(({ objects }) => objects === 0),
      'twice is once',
    );
  });

  it('takes records of imports, and what agents said of robots that are no longer in the fleet', async () => {
    const here = world();
    const ports = { store: here.store, clock: here.clock };
    for (const robotId of ['r1', 'r2']) {
      await addRobotTo(ports, robotId);
      await put(here, `agents/${robotId}.json`, {});
    }
    await put(here, 'agents/stranger.json', {});
    await put(here, 'imports/abc/00000000.json', { key: 'landing/r1/x.parquet' });
    await retireRobot(ports, { robotId: 'r2', who: 'ada', why: 'worn' });
    here.pass(20);
    await put(here, 'imports/abc/00000001.json', { key: 'landing/r1/y.parquet' });
    await here.sweep();
    assert.equal((await here.keys('agents/')).length, 3);
    await here.limit({ imports: 10, agents: 10 });
    const dry = await here.sweep(true);
    assert.deepEqual(reportOf(dry, 'agents')?.kept, [{ why: 'the robot is in the fleet', objects: 1 }]);
    assert.equal((await here.keys('agents/')).length, 3);
    assert.deepEqual((await here.sweep()).classes, dry.classes);
    assert.deepEqual(await here.keys('agents/'), ['agents/r1.json']);
    assert.deepEqual(await here.keys('imports/'), ['imports/abc/00000001.json']);
    const hold = { kind: 'robot', robotId: 'other' } as const;
    await addHold(ports, hold, { who: 'ada', why: 'a test' });
    here.pass(20);
    await here.sweep();
    assert.deepEqual(
      await here.keys('imports/'),
      ['imports/abc/00000001.json'],
      'whose segments they name, nobody can tell',
    );
  });

  it('keeps telemetry that a running trial looks back to', async () => {
    const here = world();
    const old = await telemetry(here, 'r1', id(1));
    here.pass(100);
    const young = await telemetry(here, 'r1', id(2));
    here.pass(50);
    await put(here, 'trials/t1/plan.json', {});
    here.pass(20);
    await here.limit({ telemetry: 57 });
    const { classes = [] } = await here.sweep();
    assert.deepEqual(await here.keys('telemetry/'), [young]);
    assert.notEqual(old, young);
    assert.deepEqual(classes.find((one) => one.class === 'telemetry')?.kept, [
      { why: 'trial t1 has not ended', objects: 1 },
    ]);
  });

  it('keeps what an incident, the guard of a promotion and a version in use need', async () => {
    const here = world();
    await put(here, `config/policies/${policy}.json`, {});
    await put(here, 'reports/cycle-1.json', {});
    await put(here, 'reports/cycle-2.json', {});
    await telemetry(here, 'r1', id(1));
    const training = {
      datasetVersion: { episodes: 1, frames: 1 },
      trainingSetDigest: hex('a'),
      seed: 1,
      hyperparameters: {},
    };
    const manifest = {
      policy,
      version: '1.1.0',
      robotType: { id: 'scitos-g5', version: 1, digest: hex('0') },
      files: {},
      parents: [],
      training: { cycleId: 'cycle-1', ...training },
      codeBuild: 't',
      registeredAtMs: here.clock(),
      metrics: {},
      gates: [],
    };
    await put(here, `models/${policy}/1.1.0/manifest.json`, {
      manifest,
      signature: { algorithm: 'Ed25519', publicKeyId: 'k', value: 'v' },
    });
    here.pass(200);
    const alias = {
      seq: 0,
      set: { champion: '1.1.0' },
      who: 'a',
      why: 'b',
      atMs: here.clock() - 150 * dayMs,
      operationId: 'o',
    };
    const key = `registry/${policy}/aliases/${'0'.repeat(20)}.json`;
    await put(here, key, alias);
    await here.limit({ telemetry: 57, reports: 57 });
    assert.deepEqual(reportOf(await here.sweep(true), 'reports')?.kept, [
      { why: 'wall 1.1.0 is champion', objects: 1 },
    ]);
    assert.equal(reportOf(await here.sweep(true), 'telemetry')?.objects, 1);
    // A promotion of yesterday looks back 56 days: this is older, and goes all the same; of 150 days ago it would stay.
    await put(here, key, { ...alias, atMs: here.clock() - dayMs });
    assert.equal(reportOf(await here.sweep(true), 'telemetry')?.objects, 1);
    await put(here, `monitor/${policy}/looks/${'0'.repeat(20)}.json`, '{');
    const { kept = [], objects } = reportOf(await here.sweep(true), 'telemetry') ?? {};
    assert.deepEqual([objects, kept.length], [0, 1], 'what nobody can tell keeps everything');
  });

  it('refuses limits that the loop would trip over, and remembers who set which', async () => {
    const here = world();
    await assert.rejects(here.limit({ telemetry: 56 }), { type: 'InvalidInput' });
    await assert.rejects(here.limit({ frames: 1.5 }), { type: 'InvalidInput' });
    await here.limit({ frames: 730 });
    await here.limit({ frames: 730 });
    await here.limit({ frames: null });
    const history = await readRetentionHistory(here.store);
    assert.deepEqual(
      history.map(({ limits, who }) => [limits.frames, limits.trainingSets, who]),
      [
        [730, 14, 'ada'],
        [null, 14, 'ada'],
      ],
    );
  });

  it('stops where the limits or the holds cannot be read', async () => {
    for (const key of [`config/retention/${'0'.repeat(20)}.json`, `legal-holds/log/${'0'.repeat(20)}.json`]) {
      const here = world();
      const before = await everyClass(here);
      here.pass(5_000);
      await put(here, key, { limits: 'soon' });
      await assert.rejects(here.sweep(), { type: 'CorruptData' });
      assert.deepEqual((await here.keys()).length, before.length + 1);
    }
  });
});

describe('a legal hold', () => {
  const all = { telemetry: 60, quarantine: 60, verdicts: 60, reports: 60, trainingSets: 60 };

  it('on a robot keeps what it covers and what may hold data of every robot; of the others nothing', async () => {
    const here = world();
    await everyClass(here);
    await put(here, 'trials/t1/end.json', { policy, candidateVersion: null });
    await put(here, `training-sets/${hex('c')}/train.arrow`, {});
    const hold = await here.hold({ kind: 'robot', robotId: 'r1' });
    here.pass(5_000);
    await here.limit(all);
    const { classes = [] } = await here.sweep();
    const left = await here.keys();
    const has = (part: string): boolean => left.some((key) => key.includes(part));
    assert.ok(has('/00/r1.all') && !has('/00/r10.all'), 'a robot whose id begins with another one’s is another robot');
    assert.deepEqual([has(hex('a')), has(hex('b')), has('removed/')], [true, false, false]);
    assert.deepEqual([has('t2/verdicts'), has('reports/'), has('train.arrow')], [true, true, true]);
    assert.ok(
      classes.every(
        ({ kept, class: kind }) => !Object.hasOwn(all, kind) || kept.some(({ why }) => why.includes(hold.holdId)),
      ),
    );
    await here.lift(hold.holdId);
    await here.lift(hold.holdId);
    await here.sweep();
    assert.deepEqual(
      (await here.keys()).filter((key) => /^(telemetry|quarantine|reports|training)/.test(key)),
      [],
    );
    assert.deepEqual(
      (await readHoldEvents(here.store)).map(({ kind }) => kind),
      ['add', 'lift'],
    );
  });

  it('on episodes keeps telemetry and quarantine that name them, and segments that may hold them', async () => {
    const here = world();
    await everyClass(here);
    await put(here, 'trials/t1/end.json', { policy, candidateVersion: null });
    await here.hold({ kind: 'episodes', ...(await writeEpisodeList(here.store, [id(2), id(4)])) });
    here.pass(5_000);
    await here.limit(all);
    await here.sweep();
    const left = (await here.keys()).filter((key) => /^(telemetry\/|quarantine)/.test(key));
    assert.deepEqual(left, [
      `quarantine/c/${hex('a')}.json`,
      `quarantine/c/${hex('a')}.parquet`,
      `quarantine/c/${hex('b')}.json`,
      `quarantine/c/${hex('b')}.parquet`,
      `telemetry/${policy}/2026-01-01/00/r10.all`,
    ]);
  });

  it('that comes while a sweep is under way keeps what the sweep has not reached', async () => {
    const here = world();
    await everyClass(here);
    await put(here, 'trials/t1/end.json', { policy, candidateVersion: null });
    await put(here, `training-sets/${hex('c')}/train.arrow`, {});
    await put(here, `heldout-sets/${hex('c')}/heldout.arrow`, {});
    here.pass(5_000);
    await here.limit(all);
    const left = async (holdAt: string): Promise<readonly string[]> => {
      const copy = world();
      copy.pass(5_000 - 1);
      for (const key of await here.keys()) {
        const bytes = await here.store.get(key);
        if (bytes !== undefined) await copy.store.put(key, bytes);
      }
      copy.pass(5_000);
      const inner = copy.store;
      let holds = 0;
      const store: ObjectStore = {
        get: (...asked) => inner.get(...asked),
        put: (...asked) => inner.put(...asked),
        putIfAbsent: (...asked) => inner.putIfAbsent(...asked),
        delete: (...asked) => inner.delete(...asked),
        localPath: (...asked) => inner.localPath(...asked),
        async *list(prefix) {
          for await (const entry of inner.list(prefix)) {
            yield entry;
            if (prefix === holdAt && (holds += 1) === 1) await copy.hold({ kind: 'everything' });
          }
        },
      };
      await sweepStore({
        store,
        clock: copy.clock,
        progress: () => undefined,
        scratchDirectory: '/nowhere',
        lake: laterLake,
        engine: laterEngine,
      })({ policy, dayMs, dryRun: false });
      assert.ok(holds > 0);
      return (await copy.keys()).map((key) => key.split('/')[0] ?? '');
    };
    assert.ok((await left('training-sets/')).includes('heldout-sets'));
    const late = await left(`telemetry/${policy}/`);
    assert.ok(!late.includes('telemetry'));
    for (const folder of ['quarantine', 'removed', 'reports', 'telemetry-summaries'])
      assert.ok(late.includes(folder), folder);
  });

  it('on everything keeps everything', async () => {
    const here = world();
    const before = await everyClass(here);
    await put(here, 'trials/t1/end.json', { policy, candidateVersion: null });
    await here.hold({ kind: 'everything' });
    here.pass(5_000);
    await here.limit(all);
    await here.sweep();
    const after = new Set(await here.keys());
    assert.deepEqual(
      before.filter((key) => !after.has(key)),
      [],
    );
  });

  it('refuses what is no robot and no episode, and a name that was never given', async () => {
    const here = world();
    for (const robotId of ['', '../r1', 'r1/', "r1'; DROP", `r${'x'.repeat(200)}`])
      await assert.rejects(here.hold({ kind: 'robot', robotId }), { type: 'InvalidInput' });
    await assert.rejects(here.lift('hold-7'), { type: 'NotFound' });
    await assert.rejects(here.lift('__proto__'), { type: 'NotFound' });
    for (const text of ['', '\n\n', `${id(1)}\nx`, `${id(1)}'`]) assert.throws(() => parseEpisodeList(text));
    assert.deepEqual(parseEpisodeList(`${id(2)}\r\n${id(1)}\n${id(2)}`), [id(1), id(2)]);
  });

  it('takes a list of 100,000 episodes', async () => {
    const here = world();
    const ids = Array.from({ length: 100_000 }, (_, index) => `01JD${String(index).padStart(22, '0')}`);
    await here.hold({ kind: 'episodes', ...(await writeEpisodeList(here.store, ids)) });
    assert.equal((await readHeldData(here.store)).episodes.size, 100_000);
  });
});

describe('retention of frames', () => {
  it('takes whole days, episodes before frames; what is pinned stays readable, a held day stays whole', async () => {
    const fixture = await openLakeFixture(() => memoryObjectStore(() => startMs + dayMs));
    try {
      const { lake, session, store, engine } = fixture;
      const rows: typeof fixture.rows = (...asked) => fixture.rows(...asked);
      for (const batch of [0, 1]) {
        await lake.append(session, 'frames', frames(batch * 16, 16), transaction(batch), 'test');
        await lake.append(session, 'episodes', episodesSql(batch * 16, 16), transaction(batch), 'test');
      }
      // Eight days of four episodes.
      const before = await lake.currentVersion();
      const dayOf = (rest: string) => rows('frames', before.frames, rest);
      const kept = await dayOf(`* REPLACE ((observation::VARCHAR) AS observation)`);
      assert.equal(kept.length, 320);
      let nowMs = startMs + 40 * dayMs;
      const clock = () => nowMs;
      const sweep = async (dryRun = false) =>
        (
          await sweepStore({ store, clock, progress: () => undefined, scratchDirectory: '/nowhere', lake, engine })({
            policy,
            dayMs,
            dryRun,
          })
        ).classes?.[0];
      await setRetentionLimits({ store, clock }, { frames: 35 }, word);
      const hold = await addHold(
        { store, clock },
        { kind: 'episodes', ...(await writeEpisodeList(store, [id(1)])) },
        word,
      );
      const dry = await sweep(true);
      assert.equal(dry?.objects, 4, 'four whole days are older than 35 days');
      assert.ok((dry?.bytes ?? 0) > 0);
      assert.deepEqual(await lake.currentVersion(), before);
      assert.deepEqual(await sweep(), dry);
      const after = await lake.currentVersion();
      assert.deepEqual(await lake.days('frames', after.frames), [
        '2026-11-26',
        '2026-11-27',
        '2026-11-28',
        '2026-11-29',
      ]);
      assert.deepEqual(await lake.days('episodes', after.episodes), await lake.days('frames', after.frames));
      assert.deepEqual(await lake.currentVersion(), after);
      const left = await rows('frames', after.frames, `* REPLACE ((observation::VARCHAR) AS observation)`);
      assert.deepEqual(left, kept.slice(160), 'every other row is as it was');
      // The old version can be read: a hold stands, and nothing was vacuumed.
      nowMs += 100 * dayMs;
      assert.equal((await sweep())?.objects, 4);
      assert.equal((await rows('frames', before.frames, 'count(*)')).length, 1);
      await liftHold({ store, clock }, hold.holdId, word);
      await sweep();
      await assert.rejects(lake.scan('frames', before.frames), { type: 'NotFound' });
      assert.equal((await sweep())?.objects, 0);
    } finally {
      await fixture.close();
    }
  });

  it('vacuums nothing under a hold that comes after days were taken out of the lake', async () => {
    const fixture = await openLakeFixture(() => memoryObjectStore(() => startMs));
    try {
      const { lake, session, store, engine } = fixture;
      await lake.append(session, 'frames', frames(0, 16), transaction(0), 'test');
      await lake.append(session, 'episodes', episodesSql(0, 16), transaction(0), 'test');
      const before = await lake.currentVersion();
      const clock = () => startMs + 100 * dayMs;
      await setRetentionLimits({ store, clock }, { frames: 35 }, word);
      const held: typeof lake = {
        ...lake,
        remove: async (...asked) => {
          await addHold({ store, clock }, { kind: 'robot', robotId: 'r1' }, word);
          return lake.remove(...asked);
        },
      };
      const sweep = (through: typeof lake) =>
        sweepStore({ store, clock, progress: () => undefined, scratchDirectory: '/nowhere', lake: through, engine })({
          policy,
          dayMs,
          dryRun: false,
        });
      await sweep(held);
      // Days left a hundred days ago are as good as any to a vacuum.
      const vacuumed: unknown[] = [];
      await sweep({ ...held, vacuum: async (...asked) => (vacuumed.push(asked), lake.vacuum(...asked)) });
      assert.deepEqual(vacuumed, []);
      assert.equal((await fixture.rows('frames', before.frames, 'episode_id')).length, 160);
    } finally {
      await fixture.close();
    }
  });

  it('keeps a day with one held episode, by robot, site and list, whatever the names hold', async () => {
    const fixture = await openLakeFixture(() => memoryObjectStore(() => startMs));
    try {
      const { lake, session, store } = fixture;
      await lake.append(session, 'episodes', episodesSql(0, 8), transaction(0), 'test');
      const clock = () => startMs;
      const heldIds = async () => {
        const sql = isHeldSql(await readHeldData(store));
        const { episodes } = await lake.currentVersion();
        return (
          await session.rows(
            `SELECT episode_id FROM ${await lake.scan('episodes', episodes)} WHERE ${sql} ORDER BY ALL`,
          )
        ).length;
      };
      assert.equal(await heldIds(), 0);
      const { holdId } = await addHold({ store, clock }, { kind: 'site', site: "s'; --" }, word);
      assert.equal(await heldIds(), 8);
      await liftHold({ store, clock }, holdId, word);
      await addHold({ store, clock }, { kind: 'robot', robotId: 'r1' }, word);
      assert.equal(await heldIds(), 3);
    } finally {
      await fixture.close();
    }
  });
});
