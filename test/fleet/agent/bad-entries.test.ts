import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import type { TelemetryEntry } from '../../../fleet/protocol/index.ts';
import { championOrder, publish } from './fleet-keys.ts';
import { frameAt, recordEpisode, until } from './robot.ts';
import { robotWorld } from './robot-world.ts';

describe('what no gateway takes', () => {
  const world = robotWorld();
  const kinds = (kind: TelemetryEntry['kind']) =>
    [...world.gateway.entries.values()].filter((entry) => entry.kind === kind);
  const allTold = (): Promise<void> => until('all is told', () => world.agent!.status().waitingTelemetry === 0);

  it('is not made of what a robot’s program says badly: it is told as well as can be', async () => {
    const robot = await world.open();
    const badly: unknown[] = ['', '   ', 'x'.repeat(5_000), undefined, null, 7, Number.NaN, {}, '__proto__'];
    for (const kind of badly) await robot.safetyEvent(kind as string);
    await recordEpisode(robot);
    await allTold();
    assert.equal(kinds('safetyEvent').length, badly.length);
    assert.equal(kinds('episode').length, 1);
    assert.equal(robot.status().setAside, 0);
    const events = kinds('safetyEvent').map((entry) => (entry.kind === 'safetyEvent' ? entry.event : ''));
    assert.deepEqual(events.slice(0, 3), ['unspecified', 'unspecified', 'x'.repeat(100)]);
  });

  it('is no frame with an impossible latency or instant, and no end that is none', async () => {
    const robot = await world.open();
    const odd = [Number.NaN, -1, Number.POSITIVE_INFINITY, '7', null] as number[];
    for (const [index, latencyMs] of odd.entries()) robot.record({ ...frameAt(index), latencyMs });
    for (const [index, atUs] of [Number.NaN, -1, 1e300, 'now'].entries())
      robot.record({ ...frameAt(odd.length + index), atUs: atUs as number });
    await assert.rejects(robot.endEpisode('won' as 'success'), /expected success, failure, aborted, got "won"/);
    assert.equal(await robot.endEpisode('failure', { reason: 12 as unknown as string, atUs: Number.NaN }), true);
    await robot.settle();
    await until('uploaded', () => world.gateway.segments.size === 1);
    await allTold();
    assert.deepEqual(
      kinds('episode').map(
        (entry) => entry.kind === 'episode' && [entry.outcome, entry.failureReason, entry.latencyP50Ms],
      ),
      [['failure', '12', 2]],
    );
    assert.ok(kinds('episode').every((entry) => entry.kind === 'episode' && entry.durationMs < 60_000));
  });

  for (const where of ['first', 'in the middle', 'last'])
    it(`is set aside and counted when the gateway refuses it for good, and the queue goes on: ${where}`, async () => {
      world.gateway.refuse = () => 503;
      world.gateway.refusesEntry = ({ entries }) =>
        entries.some((entry) => entry.kind === 'safetyEvent' && entry.event === 'unheard of');
      const robot = await world.open();
      for (let index = 0; index < 20; index++) {
        const isBad = index === { first: 0, 'in the middle': 9, last: 19 }[where];
        await robot.safetyEvent(isBad ? 'unheard of' : `bump ${index}`);
      }
      world.gateway.refuse = () => undefined;
      await allTold();
      assert.equal(kinds('safetyEvent').length, 19);
      assert.equal(robot.status().setAside, 1);
      await robot.close();
      world.agent = undefined;
      assert.match(await readFile(path.join(world.directory, 'set-aside.ndjson'), 'utf8'), /unheard of/);
      const next = await world.open();
      await allTold();
      assert.equal(next.status().setAside, 1, 'it does not come back');
    });

  it('is not what a stranger in between refuses: only the protocol’s own words are final', async () => {
    const robot = await world.open();
    let tries = 0;
    world.gateway.answerBadly = (where, response) => {
      if (!where.endsWith('telemetry') || tries >= 3) return false;
      tries += 1;
      response.writeHead(400, { 'content-type': 'text/html' }).end('<h1>Please sign in</h1>');
      return true;
    };
    await recordEpisode(robot);
    await until('tried again', () => tries === 3);
    await allTold();
    assert.deepEqual([kinds('episode').length, robot.status().setAside], [1, 0]);
  });

  it('is not asked for again when a gateway takes a batch and refuses entries of it', async () => {
    const robot = await world.open();
    let answers = 0;
    world.gateway.answerBadly = (where, response) => {
      if (!where.endsWith('telemetry')) return false;
      answers += 1;
      const headers = { 'content-type': 'application/json', 'flywheel-refused-entries': '1' };
      response.writeHead(200, headers).end('{"storedEntries":0,"lastSeq":0,"note":"of a newer gateway"}');
      return true;
    };
    await recordEpisode(robot);
    await until('answered', () => answers > 0);
    await allTold();
  });

  it('is an install report that an older gateway does not know: the next ones go on', async () => {
    const champion = await publish(world.gateway, world.keys, '1.0.0', { seed: 1 });
    const next = await publish(world.gateway, world.keys, '1.1.0', { seed: 2 });
    let refused = 0;
    world.gateway.answerBadly = (where, response) => {
      if (!where.endsWith('install-report') || refused > 0) return false;
      refused += 1;
      const error = { type: 'malformed', message: 'unknown \u001b[31mreason\n' };
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
      return true;
    };
    world.gateway.setOrder(championOrder(1, champion, champion));
    const lines: string[] = [];
    const robot = await world.open({ log: (line) => void lines.push(line) });
    await until('refused', () => refused === 1 && robot.status().waitingReports === 0);
    world.gateway.setOrder(championOrder(2, next, champion));
    await until('told', () => world.gateway.reports.some(({ version }) => version === '1.1.0'));
    assert.equal(robot.status().setAside, 1);
    assert.ok(lines.some((line) => line.includes('unknown')));
    assert.ok(
      lines.every((line) => !/\p{Cc}/u.test(line)),
      'a line with control characters',
    );
  });
});
