import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { readWindows } from '../../../domain/maintenance/index.ts';
import { openFleetReader } from '../../../fleet/desk/index.ts';
import { followWindows, readWindowsOfSites, setWindows } from '../../../fleet/desk/windows.ts';
import { windowWatch } from '../../../fleet/gateway/window-watch.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { policy, who } from '../../support/gateway.ts';
import { until } from '../agent/robot.ts';
import { gatewayWorld } from './gateway-world.ts';

const hour = 3_600_000;
const night = readWindows({ zone: 'Europe/Berlin', days: 'mon-fri', from: '22:00', to: '05:00' }, 0);
const never = (object: { key: string }): void => assert.fail(object.key);

/** Daily windows in UTC that are closed now and open in two to three hours. */
function laterToday(): ReturnType<typeof readWindows> {
  const hourOf = (atMs: number): string => new Date(atMs).toISOString().slice(11, 13);
  const [from, to] = [2, 3].map((hours) => `${hourOf(Date.now() + hours * hour)}:00`);
  return readWindows({ zone: 'UTC', days: 'daily', from: from ?? '', to: to ?? '' }, Date.now());
}

describe('the windows of a site, through a gateway to a real agent', () => {
  const world = gatewayWorld(1, 2);

  it('hold back an order that can wait, show who waits, let a safe stop through', async function () {
    this.timeout(90_000);
    const ports = { store: world.fleet.store, clock: Date.now };
    const reader = openFleetReader(ports);
    const { url } = await world.fleet.startGateway({
      FLYWHEEL_GATEWAY_PRESENCE_MS: '200',
      FLYWHEEL_GATEWAY_LOOK_MS: '100',
    });
    const agent = await world.open(url);
    const { directory } = world;
    const runs = (version: string): Promise<void> =>
      until(`runs ${version}`, () => agent.policy()?.version === version, 30_000);
    await runs('1.0.0');

    await setWindows(ports, { site: 'hall', windows: laterToday(), ...who });
    await until('told', () => noted(directory, '"updateWindow":{'), 30_000);
    await world.fleet.assign(0, { defaultVersion: '1.1.0', championVersion: '1.1.0' });
    const windowed = async () => (await reader.readConfirmations(policy))?.windowed ?? [];
    await until('ready and waiting', () => noted(directory, '"windowWait":{"seq":0,'), 30_000);
    await until('shown', async () => (await windowed()).length === 1, 30_000);
    const [wait] = await windowed();
    assert.deepEqual([wait?.robotId, wait?.site], ['r1', 'hall']);
    assert.ok((wait?.opensMs ?? 0) > Date.now() + hour / 2);
    assert.deepEqual((await reader.readConfirmations(policy))?.waiting, []);
    assert.equal(agent.policy()?.version, '1.0.0');

    await world.fleet.assign(1, { defaultVersion: '1.1.0', championVersion: '1.1.0', urgency: 'safeStop' });
    await runs('1.1.0');

    await world.fleet.assign(2, {});
    await until('shown again', async () => (await windowed()).length === 1, 30_000);
    await until('ready and waiting', () => noted(directory, '"windowWait":{"seq":2,'), 30_000);
    assert.equal(agent.policy()?.version, '1.1.0');
    await setWindows(ports, { site: 'hall', windows: null, ...who });
    await runs('1.0.0');
    await until('confirmed', async () => (await reader.readConfirmations(policy))?.confirmed[0] === 'r1', 30_000);
  });
});

/** Whether the robot has written this down. */
const noted = async (directory: string, text: string): Promise<boolean> =>
  (await readFile(`${directory}/installed.json`, 'utf8')).includes(text);

describe('the log of windows', () => {
  const clock = (): number => 1_000;

  it('is always open in a store without any, and knows the last word of every site', async () => {
    const store = memoryObjectStore();
    assert.equal((await readWindowsOfSites(store, never)).size, 0);
    await setWindows({ store, clock }, { site: 'hall', windows: laterToday(), ...who });
    await setWindows({ store, clock }, { site: 'hall', windows: night, ...who });
    await setWindows({ store, clock }, { site: 'Werk 2/Süd', windows: night, ...who });
    const sites = await readWindowsOfSites(store, never);
    assert.deepEqual([...sites.keys()], ['hall', 'Werk 2/Süd']);
    assert.deepEqual(sites.get('hall'), { site: 'hall', windows: night, atMs: 1_000, ...who });
    await setWindows({ store, clock }, { site: 'hall', windows: null, ...who });
    assert.deepEqual([...(await readWindowsOfSites(store, never)).keys()], ['Werk 2/Süd']);
    await assert.rejects(setWindows({ store, clock }, { site: 'hall', windows: null, ...who }), /a site with windows/);
  });

  it('appends nothing for the same word, and one for each of many at once', async () => {
    const store = memoryObjectStore();
    const sites = ['a', 'b', 'c', 'd'];
    await Promise.all(sites.map((site) => setWindows({ store, clock }, { site, windows: night, ...who })));
    await Promise.all(sites.map((site) => setWindows({ store, clock }, { site, windows: night, ...who })));
    const keys: string[] = [];
    for await (const { key } of store.list('windows/')) keys.push(key);
    assert.equal(keys.length, 4);
    assert.deepEqual([...(await readWindowsOfSites(store, never)).keys()].toSorted(), sites);
  });

  it('passes a damaged record over, says so, and goes on with the next', async () => {
    const store = memoryObjectStore();
    await setWindows({ store, clock }, { site: 'hall', windows: night, ...who });
    const key = (seq: number) => `windows/${String(seq).padStart(20, '0')}.json`;
    const lunar = { site: 'hall', windows: { ...night, zone: 'Moon/Tycho' }, atMs: 1, ...who };
    await store.put(key(1), Buffer.from('{'));
    await store.put(key(2), Buffer.from(JSON.stringify(lunar)));
    await store.put(key(3), Buffer.from(JSON.stringify({ ...lunar, site: 'other', windows: night })));
    const damaged: string[] = [];
    const follow = followWindows(store);
    const sites = await follow((object) => damaged.push(object.key));
    assert.deepEqual(damaged, [key(1), key(2)]);
    assert.deepEqual([...sites.keys()], ['hall', 'other']);
    assert.deepEqual(sites.get('hall')?.windows, night);
    assert.equal((await follow(never)).size, 2);
  });
});

describe('what a gateway says of windows', () => {
  it('is when they open and close from now on, and nothing for a site without any', async () => {
    const store = memoryObjectStore();
    await setWindows({ store, clock: () => 0 }, { site: 'hall', windows: night, ...who });
    const watch = windowWatch(store, never);
    assert.equal(watch.header('hall', 0), undefined, 'before the first look');
    await watch.look();
    // 2026-11-26 is a Thursday; Berlin is an hour ahead.
    const at = (text: string) => watch.header('hall', Date.parse(text));
    assert.equal(at('2026-11-26T20:00Z'), `${hour}-${8 * hour}`);
    assert.equal(at('2026-11-26T20:30Z'), `${hour / 2}-${7.5 * hour}`);
    assert.equal(at('2026-11-26T21:00Z'), `0-${7 * hour}`);
    assert.equal(at('2026-11-27T03:59Z'), '0-60000');
    assert.equal(at('2026-11-27T04:00Z'), `${17 * hour}-${24 * hour}`);
    assert.equal(at('2026-11-26T20:00Z'), `${hour}-${8 * hour}`, 'a clock that is set back');
    assert.equal(watch.header('other', 0), undefined);
  });
});
