import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { noQuirks } from '../../../fleet/simulator/quirks.ts';
import { drawAppearance } from '../../../fleet/simulator/rooms/camera/appearance.ts';
import { drawRoom, roomFamilies } from '../../../fleet/simulator/rooms/families.ts';
import { conditionOf, parseScenario, quirksOf, scenarioSchema } from '../../../fleet/simulator/scenario.ts';
import { failureReasons } from '../../../fleet/simulator/surroundings.ts';

describe('a scenario', () => {
  it('is all rooms, no quirks and no faults when nothing is said', () => {
    const scenario = parseScenario({});
    assert.equal(scenario.world.kind, 'rooms');
    assert.deepEqual(quirksOf(scenario, 3), noQuirks);
    assert.equal(conditionOf(scenario, 3, 0).isOffline, false);
  });

  it('refuses what it does not know, and says where', () => {
    assert.throws(() => parseScenario({ fault: [] }), /fault/);
    assert.throws(() => parseScenario({ faults: [{ kind: 'fire' }] }), /faults\[0\]/);
    assert.throws(() => parseScenario({ quirks: [{ deadSensor: 25 }] }), /quirks\[0\].deadSensor/);
  });

  it('may say of what kinds obstacles are, which changes nothing else of a room', () => {
    const { world } = parseScenario({ world: { kind: 'rooms', obstacles: ['barrier', 'crate'] } });
    assert.deepEqual(world.kind === 'rooms' && world.obstacles, ['barrier', 'crate']);
    assert.throws(() => parseScenario({ world: { kind: 'rooms', obstacles: [] } }), /obstacles/);
    assert.throws(() => parseScenario({ world: { kind: 'rooms', obstacles: ['wolf'] } }), /obstacles/);
    const kinds = new Set<string>();
    for (let seed = 0; seed < 20; seed += 1) {
      const plan = drawRoom('pillars', seed);
      const [all, some] = [undefined, ['barrier', 'crate'] as const].map((of) =>
        drawAppearance(plan, 'pillars', seed, of),
      );
      for (const { kind } of some?.obstacles ?? []) kinds.add(kind);
      assert.deepEqual({ ...some, obstacles: 0 }, { ...all, obstacles: 0 });
    }
    assert.deepEqual([...kinds].toSorted(), ['barrier', 'crate']);
  });

  it('gives quirks to the robots it names; later entries win', () => {
    const scenario = parseScenario({
      quirks: [{ noiseM: 0.1 }, { robots: [2], noiseM: 0.3, deadSensor: 7, sensors: [3, 4] }],
    });
    assert.deepEqual(quirksOf(scenario, 1), { ...noQuirks, noiseM: 0.1, deadSensor: undefined, sensors: undefined });
    assert.deepEqual(quirksOf(scenario, 2), { ...noQuirks, noiseM: 0.3, deadSensor: 7, sensors: [3, 4] });
  });

  it('lets faults hold in their own episodes only', () => {
    const scenario = parseScenario({
      faults: [
        { kind: 'offline', robots: [1], start: 2, end: 4 },
        { kind: 'clockSkew', skewMs: 3_600_000, start: 1 },
        { kind: 'powerCut', robots: [1], episode: 3 },
        { kind: 'crashLoop', robots: [0], episode: 3, crashes: 3 },
        { kind: 'hang', robots: [0], episode: 0, durationMs: 500 },
        { kind: 'corruptSegment', robots: [0], end: 1 },
      ],
    });
    const offline = [0, 1, 2, 3, 4].map((episode) => conditionOf(scenario, 1, episode).isOffline);
    assert.deepEqual(offline, [false, false, true, true, false]);
    assert.deepEqual(
      [0, 1].map((episode) => conditionOf(scenario, 0, episode).skewMs),
      [0, 3_600_000],
    );
    assert.equal(conditionOf(scenario, 1, 3).isPowerCut, true);
    assert.equal(conditionOf(scenario, 0, 3).crashes, 3);
    assert.equal(conditionOf(scenario, 0, 0).hangMs, 500);
    assert.deepEqual(
      [0, 1].map((episode) => conditionOf(scenario, 0, episode).corruptsSegments),
      [true, false],
    );
  });
});

describe('docs/simulator.md', () => {
  const text = readFileSync(new URL('../../../docs/simulator.md', import.meta.url), 'utf8');

  it('names every key, fault, family and reason, and no other fault', () => {
    const faults = scenarioSchema.shape.faults.unwrap().element.options.map((option) => option.shape.kind.value);
    const keys = Object.keys(scenarioSchema.shape);
    for (const name of [...keys, ...faults, ...roomFamilies, ...failureReasons])
      assert.ok(text.includes(`\`${name}\``), name);
    const rows = text.slice(text.indexOf('| fault ')).split('\n').slice(2);
    const documented = rows.flatMap((row) => /^\| `(\w+)`/.exec(row)?.[1] ?? []);
    assert.deepEqual(documented.toSorted(), [...faults].toSorted());
  });
});
