import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { builtInRobotTypes } from '../../../datasets/built-in-robot-types.ts';
import { camerasOf } from '../../../datasets/camera.ts';
import { checkRobotType, followedBy, maxDocumentBytes } from '../../../datasets/robot-type-check/check-robot-type.ts';
import { readStrictJson } from '../../../datasets/robot-type-check/strict-json.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { robotTypeName, robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';

const arm = JSON.parse(readFileSync('docs/examples/arm-7.json', 'utf8')) as Record<string, unknown>;
const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const check = (value: unknown) => checkRobotType(bytes(value));
const told = (value: unknown): readonly (readonly [string, string, string])[] =>
  check(value).problems.map(({ path, expected, got }) => [path, expected, got]);
const has = (value: unknown, ...problem: readonly [string, string, string]): void => {
  const all = told(value);
  assert.ok(
    all.some((one) => one.every((text, part) => text === problem[part])),
    `expected ${JSON.stringify(problem)} among ${JSON.stringify(all)}`,
  );
};
const observation = (name: string, more: object = {}) => ({ name, unit: 'm', min: 0, max: 1, ...more });

describe('checking a robot type', () => {
  it('finds nothing wrong with the types of the project and the documented arm', () => {
    const older = ({ id, follows }: RobotType) =>
      builtInRobotTypes.find((type) => type.id === id && type.version === follows?.version);
    for (const type of builtInRobotTypes) {
      const known = older(type);
      const followed = known === undefined ? ({ kind: 'unknown' } as const) : ({ kind: 'known', type: known } as const);
      assert.deepEqual(checkRobotType(bytes(type), followed).problems, [], robotTypeName(type));
    }
    assert.deepEqual(check(arm).problems, []);
    assert.equal(robotTypeDigest(robotTypeSchema.parse(arm)), robotTypeDigest(check(arm).type ?? assert.fail()));
  });

  it('tells every problem of a document, each with field, expectation, what is there and what to do', () => {
    const { limits, ...rest } = arm;
    const wrong = {
      ...rest,
      id: 'My Arm',
      rateHz: 0,
      observations: [observation('a', { min: 'low' }), observation('a'), observation('b', { max: -1 }), { unit: 'm' }],
      actions: { kind: 'continuous', ranges: [observation('c', { measuredBy: 'nothing' })] },
      tasks: ['reach', 'reach'],
      split: { kind: 'robotDay', validationFraction: 0.5, heldoutFraction: 0.5 },
      colour: 'red',
    };
    assert.ok(limits !== undefined);
    const paths = told(wrong).map(([path]) => path);
    for (const path of [
      'id',
      'rateHz',
      'observations[0].min',
      'observations[1].name',
      'observations[2].max',
      'observations[3].name',
      'observations[3].min',
      'actions.ranges[0].measuredBy',
      'tasks[1]',
      'split',
      'colour',
      'limits',
    ])
      assert.ok(paths.includes(path), `${path} in ${paths.join(', ')}`);
    has(wrong, 'rateHz', 'more than 0', '0');
    has(wrong, 'observations[0].min', 'a number', '"low"');
    has(wrong, 'observations[1].name', 'a name of its own', '"a", as observations[0]');
    for (const { advice } of check(wrong).problems) assert.notEqual(advice, '');
  });

  it('asks what the schema of stored documents does not: ranges, limits, critical actions, constants', () => {
    const observations = [observation('a', { saturatesAt: 2 }), observation('b', { min: 1, max: 1 })];
    has({ ...arm, observations }, 'observations[0].saturatesAt', 'from 0 to 1, within the range', '2');
    has({ ...arm, observations }, 'observations[1].max', 'more than min, which is 1', '1');
    const limits = { ...(arm['limits'] as object), minEpisodeFrames: 9, maxEpisodeFrames: 3, mayBeConstant: ['x'] };
    has({ ...arm, limits }, 'limits.maxEpisodeFrames', 'at least minEpisodeFrames, which is 9', '3');
    has({ ...arm, limits }, 'limits.mayBeConstant[0]', 'the name of an observation', '"x"');
    const critical = [{ name: 'brake', minRecallFraction: 0.9 }];
    const actions = { kind: 'discrete', names: ['go', 'stop'], critical };
    has({ ...arm, actions }, 'actions.critical[0].name', 'the name of an action', '"brake"');
    assert.equal(told({ ...arm, actions }).length, 1);
    has(
      { ...arm, split: { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: 0 } },
      'split.heldoutFraction',
      'more than 0: candidates are measured on what is held out',
      '0',
    );
  });

  it('takes cameras within their limits, each name once, learned at no more than their size', () => {
    const camera = {
      name: 'front',
      width: 640,
      height: 480,
      rateHz: 15,
      colour: 'rgb',
      codec: 'h264',
      learned: { width: 96, height: 96 },
      mayLeaveRobot: true,
    };
    const withCameras = (...cameras: readonly object[]) => ({ ...arm, cameras });
    const paths = (...cameras: readonly object[]) => told(withCameras(...cameras)).map(([path]) => path);
    assert.deepEqual(paths(camera, { ...camera, name: 'wrist', learned: { width: 8, height: 480 } }), []);
    assert.deepEqual(camerasOf(check(withCameras(camera)).type ?? assert.fail()), [camera]);
    assert.deepEqual(paths(...Array.from({ length: 8 }, (_, index) => ({ ...camera, name: `c${index}` }))), []);
    assert.deepEqual(paths(...Array.from({ length: 9 }, (_, index) => ({ ...camera, name: `c${index}` }))), [
      'cameras',
    ]);
    assert.deepEqual(paths(), ['cameras']);
    has(withCameras(camera, camera), 'cameras[1].name', 'a name of its own', '"front", as cameras[0]');
    for (const [field, wrong] of [
      ['name', '../x'],
      ['width', 15],
      ['width', 4097],
      ['height', 480.5],
      ['rateHz', 0],
      ['rateHz', 241],
      ['colour', 'hsv'],
      ['codec', 'hevc'],
      ['mayLeaveRobot', 'no'],
      ['learned', { width: 641, height: 96 }],
      ['learned', { width: 96, height: 513 }],
      ['learned', { width: 7, height: 96 }],
      ['audio', true],
    ] as const)
      assert.match(paths({ ...camera, [field]: wrong }).join(), new RegExp(`^cameras\\[0\\]\\.${field}`), field);
  });

  it('keeps the digest of a type without cameras', () =>
    assert.equal(
      robotTypeDigest(robotTypeSchema.parse(arm)),
      '32d2f0d6e8d57064e262df87f477898665a6d12c39423643f1bba5969cec1f4a',
    ));

  it('reads JSON strictly: names twice, reserved names, numbers and nesting beyond bounds, no byte order mark, UTF-8 only', () => {
    has('{"id":"a","id":"b"}', 'id', 'every name once', 'twice');
    has('{"limits":{"__proto__":{"x":1}}}', 'limits.__proto__', 'another name: this one is reserved', '__proto__');
    has('{"rateHz":1e999}', 'rateHz', 'a number that a computer can hold', '1e999');
    has('['.repeat(200_000), '', 'JSON; at line 1, column 34: at most 32 levels of lists and objects', '"["');
    has('{\n "id": tru}', '', 'JSON; at line 2, column 8: a JSON value', '"t"');
    has('{"id":"a"} x', '', 'JSON; at line 1, column 12: the end of the document', '"x"');
    has('', '', 'JSON in UTF-8', 'an empty file');
    has(`\ufeff${JSON.stringify(arm)}`, '', 'JSON in UTF-8', 'a byte order mark');
    assert.equal(checkRobotType(Uint8Array.of(0x7b, 0xff)).problems[0]?.got, 'bytes that are no UTF-8');
    assert.equal(({} as { x?: number }).x, undefined);
  });

  it('reads what JSON.parse reads, as it reads it', () => {
    for (const text of [
      '{"a":[1,-2.5e-3,true,false,null,"\\u00e9\\n\\"",{"b":{}}],"":[]}',
      ' [ ] ',
      '"x"',
      '-0.5',
      '"a\\\\"',
    ])
      assert.deepEqual(JSON.parse(JSON.stringify(readStrictJson(text).value)), JSON.parse(text));
    for (const text of [
      '01',
      '+1',
      '.5',
      '1.',
      "{'a':1}",
      '[1,]',
      '{"a":1,}',
      '"\n"',
      '"\\x"',
      '"',
      '[',
      '{"a"',
      'nul',
    ]) {
      assert.throws(() => JSON.parse(text) as unknown);
      assert.equal(readStrictJson(text).value, undefined, text);
    }
  });

  it('shows nothing that a terminal obeys, and little of anything', () => {
    const name = `\u001b[2J${'x'.repeat(5_000)}\u202e`;
    const { problems } = check({ ...arm, [name]: name, observations: [observation(name)], tasks: [name] });
    for (const text of problems.flatMap(({ path, expected, got, advice }) => [path, expected, got, advice])) {
      assert.doesNotMatch(text, /[\p{C}]/u);
      assert.ok(text.length < 250, text);
    }
    has(
      { ...arm, observations: [observation('a\u0007')] },
      'observations[0].name',
      'characters that can be printed',
      '"a\\u0007"',
    );
  });

  it('is bounded whatever the file: features, fields and problems without number, and a file that is too large', () => {
    const many = [
      `{"observations":[${'{},'.repeat(170_000)}{}]}`,
      `{${Array.from({ length: 40_000 }, (_, field) => `"k${field}":1`).join(',')}}`,
      JSON.stringify({ ...arm, observations: Array.from({ length: 10_000 }, () => observation('same')) }),
      `{"tasks":["${'a'.repeat(500_000)}"]}`,
    ];
    for (const text of many) {
      assert.ok(text.length <= maxDocumentBytes + 64);
      const { problems, type } = checkRobotType(bytes(text).subarray(0, maxDocumentBytes));
      assert.equal(type, undefined);
      assert.ok(problems.length > 0 && problems.length <= 100);
      assert.ok(JSON.stringify(problems).length < 60_000);
    }
    const { problemsNotListed, problems } = check(many[2]);
    assert.deepEqual([problems.length, problemsNotListed > 5_000], [100, true]);
    assert.match(
      checkRobotType(new Uint8Array(maxDocumentBytes + 1)).problems[0]?.expected ?? '',
      /at most 524288 bytes/,
    );
  });

  it('judges how a version follows another with that one at hand, whatever else is wrong, and says which one is not known', () => {
    const first = check(arm).type ?? assert.fail();
    const { observations } = first;
    const [position = assert.fail()] = observations;
    const second = {
      ...arm,
      version: 2,
      observations: [...observations.slice(1), { ...position, name: 'j1', unit: 'deg', min: -170, max: 170 }],
      actions: JSON.parse(JSON.stringify(first.actions).replace(`:"${position.name}"`, ':"j1"')) as unknown,
      follows: { version: 1, observations: [{ name: 'j1', is: 'scaled', from: position.name, factor: 57.29578 }] },
    };
    assert.deepEqual(followedBy(bytes(second)), { id: 'arm-7', version: 1 });
    for (const text of [
      '{',
      '[]',
      '{"id":1,"follows":{"version":1}}',
      '{"id":"a","follows":{"version":0}}',
      '{"id":"a"}',
    ])
      assert.equal(followedBy(bytes(text)), undefined);
    const with1 = (value: unknown) => checkRobotType(bytes(value), { kind: 'known', type: first });
    const { problems, type } = with1(second);
    assert.deepEqual(problems, []);
    assert.notEqual(
      robotTypeDigest(type ?? assert.fail()),
      robotTypeDigest({ ...(type ?? assert.fail()), version: 3 }),
    );
    has(second, 'follows.version', 'a version that is known here', 'arm-7@1');
    const wrong = { ...second, rateHz: -1, follows: { version: 1, observations: [] } };
    assert.deepEqual(
      with1(wrong).problems.map(({ path, expected, got }) => [path, expected, got]),
      [
        ['observations[16].name', 'a rule in follows.observations: arm-7@1 has no such feature', '"j1"'],
        ['follows.gone', '"joint-1-position" of arm-7@1, which nothing here reads', 'nothing of it'],
        ['rateHz', 'more than 0', '-1'],
      ],
    );
    for (const { advice } of with1(wrong).problems) assert.notEqual(advice, '');
    has({ ...second, follows: { version: 2 } }, 'follows.version', 'a version below its own', '2');
    const follows = { version: 1, observations: [{ name: 'j1', is: 'scaled', from: 'x', factor: 0 }] };
    has(
      { ...second, follows },
      'follows.observations[0].factor',
      'a factor of 1e-9 to 1000000000 either way, not 0',
      '0',
    );
  });

  it('stays bounded with rules without number', () => {
    const observations = Array.from({ length: 5_000 }, () => ({ name: '\u001b', is: 'renamed', from: 'y' }));
    const { problems } = checkRobotType(bytes({ ...arm, version: 2, follows: { version: 1, observations } }), {
      kind: 'known',
      type: check(arm).type ?? assert.fail(),
    });
    assert.ok(problems.length > 0 && problems.length <= 100);
    assert.doesNotMatch(JSON.stringify(problems), /\\u001b/);
  });
});
