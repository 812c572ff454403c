import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { bodyMap, type BodyMap, type BodyRefusal, type MappedValue } from '../../../datasets/bodies/body-map.ts';
import { goneFill, goneName, sourceOf, type FollowRule, type Follows } from '../../../datasets/bodies/follows.ts';
import { stepProblems } from '../../../datasets/bodies/step-problems.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import { body, feature } from './typed-bodies.ts';

const mapOf = (from: RobotType, to: RobotType, chain: readonly RobotType[] = []): BodyMap => {
  const map = bodyMap({ from, to, chain });
  return map.kind === 'map' ? map : assert.fail(map.reason);
};
const reasonOf = (map: BodyMap | BodyRefusal): string => (map.kind === 'refusal' ? map.reason : assert.fail('a map'));

const one = body({ version: 1, features: ['range', 'speed', 'old'], ranges: ['turn', 'push'] });
const two = body({
  version: 2,
  features: ['bumper', 'velocity', 'ring'],
  ranges: ['push', 'steer', 'lift'],
  follows: {
    version: 1,
    observations: [
      { name: 'ring', is: 'renamed', from: 'range' },
      { name: 'velocity', is: 'scaled', from: 'speed', factor: 100, offset: 5 },
      { name: 'bumper', is: 'new', fill: 0.5 },
    ],
    gone: [{ name: 'old', fill: 7 }],
    actions: [
      { name: 'steer', is: 'scaled', from: 'turn', factor: -2 },
      { name: 'lift', is: 'new', fill: 1 },
    ],
  },
});

describe('the map from one body to another', () => {
  it('reads older frames as newer ones: same, renamed, scaled, filled, in the order of the newer body', () => {
    assert.deepEqual(mapOf(one, two), {
      kind: 'map',
      observations: [{ fill: 0.5 }, { from: 'speed', factor: 100, offset: 5 }, { from: 'range', factor: 1, offset: 0 }],
      actions: {
        kind: 'continuous',
        ranges: [
          { from: 'push', factor: 1, offset: 0, name: 'push' },
          { from: 'turn', factor: -2, offset: 0, name: 'steer' },
          { fill: 1, name: 'lift' },
        ],
      },
    });
  });

  it('reads newer frames as older ones: renamed back, scaled back, new dropped, gone as its fill', () => {
    assert.deepEqual(mapOf(two, one), {
      kind: 'map',
      observations: [
        { from: 'ring', factor: 1, offset: 0 },
        { from: 'velocity', factor: 0.01, offset: -0.05 },
        { fill: 7 },
      ],
      actions: {
        kind: 'continuous',
        ranges: [
          { from: 'steer', factor: -0.5, offset: 0, name: 'turn' },
          { from: 'push', factor: 1, offset: 0, name: 'push' },
        ],
      },
    });
  });

  it('has no way back to what is gone without a fill, unless the last body does not need it', () => {
    const bare = { ...two, follows: { ...two.follows, gone: ['old'] } } as RobotType;
    assert.match(
      reasonOf(bodyMap({ from: bare, to: one, chain: [] })),
      /rover@2 has nothing to read feature of rover@1 "old" from/,
    );
    const cousin = body({
      version: 3,
      features: ['range', 'speed'],
      ranges: ['turn', 'push'],
      follows: { version: 1, gone: ['old'] },
    });
    assert.deepEqual(
      mapOf(bare, cousin, [one]).observations.map((value) => ('from' in value ? value.from : value.fill)),
      ['ring', 'velocity'],
    );
  });

  it('names discrete actions by the index of the body that chose them; null for what the other body does not have', () => {
    const [a, b] = [
      body({ version: 1, features: ['x'], names: ['go', 'stop', 'wave'] }),
      body({
        version: 2,
        features: ['x'],
        names: ['halt', 'jump', 'go'],
        follows: {
          version: 1,
          actions: [
            { name: 'halt', is: 'renamed', from: 'stop' },
            { name: 'jump', is: 'new' },
          ],
          goneActions: ['wave'],
        },
      }),
    ];
    assert.deepEqual(mapOf(a, b).actions, { kind: 'discrete', names: ['go', 'halt', null] });
    assert.deepEqual(mapOf(b, a).actions, { kind: 'discrete', names: ['stop', null, 'go'] });
  });

  it('refuses bodies without one action in common, of two kinds, of two types, of no common past', () => {
    const [a, b] = [
      body({ version: 1, features: ['x'], names: ['go', 'stop'] }),
      body({
        version: 2,
        features: ['x'],
        names: ['up', 'down'],
        follows: {
          version: 1,
          actions: [
            { name: 'up', is: 'new' },
            { name: 'down', is: 'new' },
          ],
          goneActions: ['go', 'stop'],
        },
      }),
    ];
    assert.match(reasonOf(bodyMap({ from: a, to: b, chain: [] })), /rover@2 has no action of rover@1/);
    assert.match(reasonOf(bodyMap({ from: a, to: { ...a, id: 'arm' }, chain: [] })), /two robot types/);
    assert.match(reasonOf(bodyMap({ from: a, to: body({ version: 4, features: ['x'] }), chain: [] })), /do not follow/);
    const arm = body({ version: 2, features: ['x'], ranges: ['y'], follows: { version: 1 } });
    assert.match(reasonOf(bodyMap({ from: a, to: arm, chain: [] })), /commands of another kind/);
  });

  it('refuses a followed version that is not known, two documents of one version, and never walks in a circle', () => {
    const three = body({ version: 3, features: ['x'], follows: { version: 2 } });
    const a = body({ version: 1, features: ['x'] });
    assert.match(reasonOf(bodyMap({ from: a, to: three, chain: [] })), /rover@2 is not known, and is followed/);
    const chain = [
      body({ version: 2, features: ['x'] }),
      body({ version: 2, features: ['x'], follows: { version: 1 } }),
    ];
    assert.match(reasonOf(bodyMap({ from: a, to: three, chain })), /two documents of rover@2/);
    const circle = (version: number, of: number) => ({ ...a, version, follows: { version: of } }) as RobotType;
    for (const [from, to] of [
      [circle(1, 2), circle(2, 1)],
      [circle(1, 1), circle(2, 2)],
      [circle(2, 5), circle(5, 2)],
    ] as const)
      assert.equal(bodyMap({ from: circle(9, 9), to, chain: [from] }).kind, 'refusal');
    assert.equal(robotTypeSchema.safeParse(circle(2, 2)).success, false);
  });

  it('refuses factors that are 0, no number or beyond reason in a document, and what many of them add up to', () => {
    for (const factor of [0, Number.NaN, 1e308, Number.POSITIVE_INFINITY, 1e-10, -0])
      assert.equal(
        robotTypeSchema.safeParse({
          ...two,
          follows: { ...two.follows, observations: [{ name: 'ring', is: 'scaled', from: 'range', factor }] },
        }).success,
        false,
        String(factor),
      );
    for (const factor of [1e9, 1e-9]) {
      const line = Array.from({ length: 8 }, (_, index) =>
        body({
          version: index + 1,
          features: ['x'],
          ...(index === 0 ? {} : { follows: { version: index, observations: [{ name: 'x', is: 'scaled', factor }] } }),
        }),
      );
      const [first = assert.fail(), last = assert.fail()] = [line[0], line.at(-1)];
      assert.match(reasonOf(bodyMap({ from: first, to: last, chain: line })), /32-bit float/);
      assert.match(reasonOf(bodyMap({ from: last, to: first, chain: line })), /32-bit float/);
    }
  });

  it('takes names for names, whatever they are called, and refuses two features of one name', () => {
    const odd = ['__proto__', 'constructor', "it's; DROP TABLE frames --", 'a"b', 'toString', 'é\u0000'];
    const a = body({ version: 1, features: odd, names: odd });
    const b = body({
      version: 2,
      features: [...odd.toReversed(), 'hasOwnProperty'],
      names: odd.toReversed(),
      follows: { version: 1, observations: [{ name: 'hasOwnProperty', is: 'new', fill: 3 }] },
    });
    const map = mapOf(a, b);
    assert.deepEqual(
      map.observations.map((value) => ('from' in value ? value.from : value.fill)),
      [...odd.toReversed(), 3],
    );
    assert.deepEqual(map.actions, { kind: 'discrete', names: odd });
    const twice = body({ version: 2, features: ['x', 'x'], follows: { version: 1 } });
    assert.match(
      reasonOf(bodyMap({ from: body({ version: 1, features: ['x'] }), to: twice, chain: [] })),
      /called "x"/,
    );
  });

  it('maps 1,024 features over 64 versions', () => {
    const line = Array.from({ length: 64 }, (_, index) =>
      body({
        version: index + 1,
        features: Array.from({ length: 1024 }, (_each, place) => `v${index}-${place}`),
        ...(index === 0
          ? {}
          : {
              follows: {
                version: index,
                observations: Array.from({ length: 1024 }, (_each, place) => ({
                  name: `v${index}-${place}`,
                  is: 'renamed' as const,
                  from: `v${index - 1}-${1023 - place}`,
                })),
              },
            }),
      }),
    );
    const [first = assert.fail(), last = assert.fail()] = [line[0], line.at(-1)];
    assert.deepEqual(mapOf(first, last, line).observations[3], { from: 'v0-1020', factor: 1, offset: 0 });
  });
});

describe('the map from one body to another, of any chain', () => {
  it('is the rules applied one by one, in both directions', () => {
    fc.assert(
      fc.property(chains, fc.infiniteStream(fc.double({ min: -100, max: 100, noNaN: true })), (line, numbers) => {
        const [first = assert.fail(), last = assert.fail()] = [line[0], line.at(-1)];
        const values = (type: RobotType): Frame =>
          new Map(type.observations.map(({ name }) => [name, numbers.next().value]));
        for (const [from, to] of [
          [first, last],
          [last, first],
        ] as const) {
          const frame = values(from);
          const steps =
            from === first
              ? line.slice(1).map((newer) => [newer, true] as const)
              : line
                  .slice(1)
                  .toReversed()
                  .map((newer) => [newer, false] as const);
          const expected = steps.reduce<Frame>(
            (now, [newer, isDown]) => (isDown ? down(newer, now) : up(newer, line[newer.version - 2], now)),
            frame,
          );
          const map = mapOf(from, to, line);
          assert.equal(map.observations.length, to.observations.length);
          for (const [index, { name }] of to.observations.entries())
            near(read(map.observations[index], frame), expected.get(name));
        }
      }),
    );
  });

  it('put back is what it was, for all that is not filled', () => {
    fc.assert(
      fc.property(chains, (line) => {
        const [first = assert.fail(), last = assert.fail()] = [line[0], line.at(-1)];
        const [there, back] = [mapOf(first, last, line), mapOf(last, first, line)];
        const frame: Frame = new Map(first.observations.map(({ name }, index) => [name, index + 0.25]));
        const seen: Frame = new Map(
          last.observations.map(({ name }, index) => [name, read(there.observations[index], frame)]),
        );
        for (const [index, { name }] of first.observations.entries()) {
          const value = back.observations[index];
          if (value !== undefined && 'from' in value) near(read(value, seen), frame.get(name));
        }
      }),
    );
  });

  it('says the same by name in whatever order features and rules stand, and over a middle that is walked or left out', () => {
    fc.assert(
      fc.property(chains, (line) => {
        const turned = line.map((type): RobotType => ({
          ...type,
          observations: type.observations.toReversed(),
          ...(type.follows === undefined
            ? {}
            : { follows: { ...type.follows, observations: (type.follows.observations ?? []).toReversed() } }),
        }));
        const [first = assert.fail(), last = assert.fail()] = [line[0], line.at(-1)];
        const [firstTurned = assert.fail(), lastTurned = assert.fail()] = [turned[0], turned.at(-1)];
        assert.deepEqual(
          mapOf(first, last, line).observations,
          mapOf(firstTurned, lastTurned, turned).observations.toReversed(),
        );
      }),
    );
  });

  it('of a version to itself is the identity', () => {
    for (const { observations, actions } of [mapOf(two, two), mapOf(two, two, [one, two])]) {
      assert.deepEqual(
        observations,
        two.observations.map(({ name }) => ({ from: name, factor: 1, offset: 0 })),
      );
      assert.equal(actions.kind, 'continuous');
    }
  });
});

describe('the rules between two bodies', () => {
  const problems = (follows: Follows, more: object = {}): string[] =>
    stepProblems({ ...two, follows, ...more }, one).map(({ path, expected }) => `${path}: ${expected}`);
  const whole: Follows = two.follows ?? assert.fail();

  it('account for everything of both, and name everything once', () => {
    assert.deepEqual(problems(whole), []);
    assert.deepEqual(problems({ ...whole, gone: [] }), ['follows.gone: "old" of rover@1, which nothing here reads']);
    assert.deepEqual(problems({ ...whole, observations: whole.observations?.slice(0, 2) ?? [] }), [
      'observations[0].name: a rule in follows.observations: rover@1 has no such feature',
    ]);
    const [ring, velocity, bumper] = whole.observations ?? [];
    assert.ok(ring && velocity && bumper);
    assert.deepEqual(problems({ ...whole, observations: [ring, velocity, bumper, bumper] }), [
      'follows.observations[3].name: one rule a name',
    ]);
    assert.deepEqual(
      problems({ ...whole, observations: [ring, { name: 'velocity', is: 'renamed', from: 'range' }, bumper] }),
      [
        'follows.observations[1].from: a name that follows.observations[0].from does not use',
        'follows.gone: "speed" of rover@1, which nothing here reads',
      ],
    );
    assert.deepEqual(problems({ ...whole, gone: ['old', 'range', 'nothing', 'old'] }), [
      'follows.gone[1]: a name that follows.observations[0].from does not use',
      'follows.gone[2]: the name of a feature of rover@1',
      'follows.gone[3]: a name that follows.gone[0] does not use',
    ]);
    assert.deepEqual(problems({ ...whole, goneActions: ['push'] }), [
      'actions.ranges[0].name: a rule of its own: what rover@1 calls so is used by follows.goneActions[0]',
    ]);
  });

  it('keep units unless they scale, fills within ranges, and scales off discrete actions', () => {
    const cm = two.observations.map((one_) => (one_.name === 'ring' ? { ...one_, unit: 'cm' } : one_));
    assert.deepEqual(problems(whole, { observations: cm }), [
      'follows.observations[0].from: the unit of "range" in rover@1, "1", or a rule "scaled"',
    ]);
    assert.deepEqual(problems({ ...whole, gone: [{ name: 'old', fill: 1e7 }] }), [
      'follows.gone[0].fill: from -1000000 to 1000000, within the range',
    ]);
    const noFill: FollowRule = { name: 'lift', is: 'new' };
    assert.deepEqual(problems({ ...whole, actions: [whole.actions?.[0] ?? noFill, noFill] }), [
      'follows.actions[1].fill: a number: what older data is read to have commanded',
    ]);
    const [a, b] = [
      body({ version: 1, features: ['x'] }),
      body({
        version: 2,
        features: ['x'],
        follows: { version: 1, actions: [{ name: 'go', is: 'scaled', factor: 2 }] },
      }),
    ];
    assert.deepEqual(
      stepProblems(b, a).map(({ path }) => path),
      ['follows.actions[0].is'],
    );
    assert.deepEqual(
      stepProblems({ ...b, observations: [feature('x', { unit: 'V' })], follows: { version: 1 } }, a).map(
        ({ path }) => path,
      ),
      ['observations[0].unit'],
    );
  });
});

type Frame = ReadonlyMap<string, number>;

const read = (value: MappedValue | undefined, frame: Frame): number => {
  assert.ok(value !== undefined);
  return 'fill' in value ? value.fill : value.factor * (frame.get(value.from) ?? Number.NaN) + value.offset;
};

/** Composed numbers are rounded elsewhere than those computed one by one. */
function near(got: number, expected: number | undefined): void {
  const off = Math.abs(got - (expected ?? Number.NaN));
  assert.ok(off <= 1e-6 * Math.max(1e3, Math.abs(expected ?? 0)), `${got}, expected ${expected}`);
}

/** What a frame of the followed version reads as: the rules as the documentation tells them. */
function down(newer: RobotType, frame: Frame): Frame {
  const rules = newer.follows?.observations ?? [];
  return new Map(
    newer.observations.map(({ name }) => {
      const rule = rules.find((each) => each.name === name);
      if (rule === undefined) return [name, frame.get(name) ?? Number.NaN];
      if (rule.is === 'new') return [name, rule.fill];
      const value = frame.get(sourceOf(rule) ?? '') ?? Number.NaN;
      return [name, rule.is === 'scaled' ? value * rule.factor + (rule.offset ?? 0) : value];
    }),
  );
}

function up(newer: RobotType, older: RobotType | undefined, frame: Frame): Frame {
  const rules = newer.follows?.observations ?? [];
  return new Map(
    older?.observations.map(({ name }) => {
      const gone = newer.follows?.gone?.find((each) => goneName(each) === name);
      if (gone !== undefined) return [name, goneFill(gone) ?? Number.NaN];
      const rule = rules.find((each) => each.is !== 'new' && sourceOf(each) === name);
      if (rule === undefined) return [name, frame.get(name) ?? Number.NaN];
      const value = frame.get(rule.name) ?? Number.NaN;
      return [name, rule.is === 'scaled' ? (value - (rule.offset ?? 0)) / rule.factor : value];
    }),
  );
}

/** What may become of a feature from one version to the next. */
const fates = fc.oneof(
  fc.record({ is: fc.constant('same' as const) }),
  fc.record({ is: fc.constant('renamed' as const) }),
  fc.record({
    is: fc.constant('scaled' as const),
    factor: fc.constantFrom(-3, 0.01, 0.5, 2, 100),
    offset: fc.integer({ min: -9, max: 9 }),
    isRenamed: fc.boolean(),
  }),
  fc.record({ is: fc.constant('gone' as const), fill: fc.integer({ min: -9, max: 9 }) }),
);
const revision = fc.record({
  fates: fc.array(fates, { minLength: 6, maxLength: 6 }),
  fresh: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 3 }),
  turn: fc.nat(5),
});

/** Versions 1, 2, … that each follow the one before, by arbitrary rules in arbitrary order. */
const chains = fc.array(revision, { minLength: 1, maxLength: 5 }).map((revisions) => {
  const line = [body({ version: 1, features: ['a', 'b', 'c'] })];
  for (const { fates: of, fresh, turn } of revisions) {
    const older = line.at(-1) ?? assert.fail();
    const version = older.version + 1;
    const features: string[] = [];
    const observations: Exclude<Follows['observations'], undefined> = [];
    const gone: Exclude<Follows['gone'], undefined> = [];
    for (const [index, { name }] of older.observations.entries()) {
      const fate = of[index % of.length] ?? { is: 'same' as const };
      const renamed = `${name}'${version}`;
      if (fate.is === 'gone') gone.push({ name, fill: fate.fill });
      else if (fate.is === 'renamed') observations.push({ name: renamed, is: 'renamed', from: name });
      else if (fate.is === 'scaled')
        observations.push({
          name: fate.isRenamed ? renamed : name,
          is: 'scaled',
          ...(fate.isRenamed ? { from: name } : {}),
          factor: fate.factor,
          offset: fate.offset,
        });
      if (fate.is === 'same' || (fate.is === 'scaled' && !fate.isRenamed)) features.push(name);
      else if (fate.is !== 'gone') features.push(renamed);
    }
    for (const [index, fill] of fresh.entries()) {
      features.push(`new-${version}-${index}`);
      observations.push({ name: `new-${version}-${index}`, is: 'new', fill });
    }
    const turned = [...features.slice(turn % features.length), ...features.slice(0, turn % features.length)];
    line.push(body({ version, features: turned, follows: { version: older.version, observations, gone } }));
  }
  return line;
});
