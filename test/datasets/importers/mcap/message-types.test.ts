import assert from 'node:assert/strict';

import { parse } from '@foxglove/rosmsg';
import { MessageWriter } from '@foxglove/rosmsg2-serialization';
import * as fc from 'fast-check';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor/index.js';

import { McapProblem } from '../../../../datasets/importers/mcap/byte-cursor.ts';
import { cdrMessages } from '../../../../datasets/importers/mcap/cdr-messages.ts';
import { stepsOf, topicColumn, topicField } from '../../../../datasets/importers/mcap/field-path.ts';
import { jsonMessages } from '../../../../datasets/importers/mcap/json-messages.ts';
import { decompressLz4 } from '../../../../datasets/importers/mcap/lz4-frame.ts';
import type { MessageType, Value } from '../../../../datasets/importers/mcap/message-type.ts';
import { protoMessages } from '../../../../datasets/importers/mcap/proto-messages.ts';

const text = (value: string) => new TextEncoder().encode(value);
function valuesOf(type: MessageType, message: Uint8Array, paths: readonly string[]): readonly Value[] {
  const into: Value[] = [];
  type.fields(paths.map((path) => stepsOf(path) ?? []))(message, into);
  return into;
}

const rosText = `std_msgs/Header header
string[] name
float64[] position
uint8[3] flags
bool ok
int64 big
geometry_msgs/Point[] points
float32 last
int32 CONSTANT=3
===
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
===
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
===
MSG: geometry_msgs/Point
float64 x
uint8 y
`;
const rosMessage = {
  header: { stamp: { sec: 5, nanosec: 7 }, frame_id: 'base' },
  name: ['a', 'elbow'],
  position: [0.5, -1.25, 3],
  flags: [1, 2, 255],
  ok: true,
  big: -(2n ** 40n),
  points: [
    { x: 1.5, y: 2 },
    { x: 2.5, y: 3 },
  ],
  last: 0.25,
};

const protoText = `syntax = "proto3"; package demo;
message Point { double x = 1; sint32 y = 2; Point next = 3; }
enum Mode { IDLE = 0; BUSY = 4; }
message State {
  repeated double packed = 1; repeated Point points = 2; Mode mode = 3; string name = 4; bool ok = 5;
  optional float maybe = 6; fixed64 big = 7; Point pose = 8; repeated string words = 9; bytes raw = 10;
  int64 signed = 16; oneof choice { uint32 left = 17; uint32 right = 18; }
}`;

describe('messages of MCAP files', () => {
  it('reads ROS 2 messages as the reference writer writes them', () => {
    const message = new MessageWriter(parse(rosText, { ros2: true })).writeMessage(rosMessage);
    const type = cdrMessages(text(rosText));
    const expected = new Map<string, Value>([
      ['last', 0.25],
      ['header.stamp.sec', 5],
      ['header.stamp.nanosec', 7],
      ['header.frame_id', 'base'],
      ['name[1]', 'elbow'],
      ['position[2]', 3],
      ['position[0]', 0.5],
      ['position[3]', undefined],
      ['flags[2]', 255],
      ['ok', true],
      ['big', -(2 ** 40)],
      ['points[1].x', 2.5],
      ['points[0].y', 2],
      ['points[2].y', undefined],
    ]);
    assert.deepEqual(valuesOf(type, message, [...expected.keys()]), [...expected.values()]);
    for (const [path, value] of expected) assert.deepEqual(valuesOf(type, message, [path]), [value]);
    assert.deepEqual(
      type.leaves(message).map(({ path, kind, list }) => [path, kind, list]),
      [
        ['header.stamp.sec', 'number', undefined],
        ['header.stamp.nanosec', 'number', undefined],
        ['header.frame_id', 'text', undefined],
        ['name', 'text', 'varies'],
        ['position', 'number', 'varies'],
        ['flags', 'number', 3],
        ['ok', 'boolean', undefined],
        ['big', 'number', undefined],
        ['points', 'other', 'varies'],
        ['last', 'number', undefined],
      ],
    );
    // Cut anywhere, it is no message, and never another value.
    for (let length = 0; length < message.length; length += 1)
      assert.throws(() => valuesOf(type, message.subarray(0, length), ['last']), McapProblem);
  });

  it('finds the structures of a ROS 2 definition by full and short names', () => {
    const defined = 'p/msg/A a\n===\nMSG: p/msg/A\nB b\np/msg/C c\n===\nMSG: p/B\nuint8 x\n===\nMSG: p/C\nuint8 x\n';
    assert.deepEqual(valuesOf(cdrMessages(text(defined)), Uint8Array.of(0, 1, 0, 0, 5, 6), ['a.b.x', 'a.c.x']), [5, 6]);
  });

  it('reads Protobuf messages as the reference library writes them', () => {
    const root = protobuf.parse(protoText).root.resolveAll();
    const described = (root as unknown as { toDescriptor(syntax: string): protobuf.Message }).toDescriptor('proto3');
    const schema = (described.constructor as typeof protobuf.Message).encode(described).finish();
    const State = root.lookupType('demo.State');
    const type = protoMessages('demo.State', schema);
    const value = {
      packed: [1, 2.5],
      points: [{ x: 1 }, { y: -3, next: { x: 9 } }],
      mode: 4,
      name: 'n',
      ok: true,
      big: 2 ** 40,
      pose: { x: 0.5, y: -7 },
      words: ['one', 'two'],
      signed: -5,
      right: 8,
    };
    const expected = new Map<string, Value>([
      ['packed[1]', 2.5],
      ['packed[2]', undefined],
      ['points[1].next.x', 9],
      ['points[1].x', 0],
      ['points[0].next.x', undefined],
      ['mode', 'BUSY'],
      ['name', 'n'],
      ['ok', true],
      ['maybe', undefined],
      ['big', 2 ** 40],
      ['pose.y', -7],
      ['words[1]', 'two'],
      ['signed', -5],
      ['left', undefined],
      ['right', 8],
    ]);
    const message = State.encode(State.fromObject(value)).finish();
    assert.deepEqual(valuesOf(type, message, [...expected.keys()]), [...expected.values()]);
    // What proto3 does not write is 0, not absent.
    assert.deepEqual(valuesOf(type, new Uint8Array(), ['mode', 'name', 'ok', 'big', 'maybe', 'pose.x']), [
      'IDLE',
      '',
      false,
      0,
      undefined,
      undefined,
    ]);
    assert.ok(type.leaves(message).some(({ path, kind }) => path === 'pose.next.next.x' && kind === 'number'));
    assert.ok(type.leaves(message).length <= 2_000);
    for (const path of ['raw', 'pose', 'packed', 'nothing', 'name[0]', 'ok.x'])
      assert.throws(() => valuesOf(type, message, [path]), McapProblem, path);
  });

  it('reads the bytes of an image in each encoding', () => {
    const bytesOf = (type: MessageType, message: Uint8Array, path: string) => type.bytes(stepsOf(path) ?? [])(message);
    const definition =
      'std_msgs/Header header\nstring format\nuint8[] data\nPart part\n===\nMSG: std_msgs/Header\nstring frame_id\n===\nMSG: p/Part\nuint8[2] data\n';
    const image = { header: { frame_id: 'eye' }, format: 'jpeg', data: Uint8Array.of(7, 8, 9), part: { data: [1, 2] } };
    const message = new MessageWriter(parse(definition, { ros2: true })).writeMessage(image);
    const ros = cdrMessages(text(definition));
    assert.deepEqual([...(bytesOf(ros, message, 'data') ?? [])], [7, 8, 9]);
    assert.deepEqual([...(bytesOf(ros, message, 'part.data') ?? [])], [1, 2]);
    for (const path of ['format', 'header', 'data[0]', 'none'])
      assert.throws(() => bytesOf(ros, message, path), McapProblem, path);
    const root = protobuf.parse(protoText).root.resolveAll();
    const described = (root as unknown as { toDescriptor(syntax: string): protobuf.Message }).toDescriptor('proto3');
    const State = root.lookupType('demo.State');
    const proto = protoMessages(
      'demo.State',
      (described.constructor as typeof protobuf.Message).encode(described).finish(),
    );
    const state = State.encode(State.fromObject({ name: 'x', raw: Uint8Array.of(5, 6) })).finish();
    assert.deepEqual([...(bytesOf(proto, state, 'raw') ?? [])], [5, 6]);
    assert.equal(bytesOf(proto, new Uint8Array(), 'raw'), undefined);
    for (const path of ['name', 'ok', 'pose', 'raw[0]'])
      assert.throws(() => bytesOf(proto, state, path), McapProblem, path);
    const json = text('{"a": {"data": "BwgJ"}, "n": 3}');
    assert.deepEqual([...(bytesOf(jsonMessages, json, 'a.data') ?? [])], [7, 8, 9]);
    assert.equal(bytesOf(jsonMessages, json, 'n'), undefined);
  });

  it('reads JSON by own names only', () => {
    const message = text('{"__proto__": {"x": 1}, "a": [{"b": "c"}], "n": null}');
    const paths = ['__proto__.x', 'a[0].b', 'a[1].b', 'n', 'toString', 'a.length', 'constructor.name'];
    assert.deepEqual(valuesOf(jsonMessages, message, paths), [1, 'c', ...paths.slice(2).map(() => undefined)]);
    assert.throws(() => valuesOf(jsonMessages, Uint8Array.of(0x22, 0xff, 0x22), ['a']), McapProblem);
  });

  it('refuses definitions and messages without an end, quickly', () => {
    assert.throws(() => cdrMessages(text('p/A a\n===\nMSG: p/A\np/B b\n===\nMSG: p/B\np/A a\n')), /contains itself/);
    // 2^30 structures, each of which holds two of the next.
    const levels = Array.from(
      { length: 30 },
      (_, level) => `===\nMSG: p/L${level}\np/L${level + 1} a\np/L${level + 1} b\n`,
    );
    const bomb = cdrMessages(text(`p/L0 a\nuint8 end\n${levels.join('')}===\nMSG: p/L30\nuint8[0] none\n`));
    assert.ok(bomb.leaves(new Uint8Array()).length <= 2_000);
    assert.throws(() => valuesOf(bomb, Uint8Array.of(0, 1, 0, 0, 1, 1), ['end']), /more than 1000000 parts/);
    const huge = cdrMessages(text('p/E[] many\nuint8 end\n===\nMSG: p/E\nuint8[0] none\n'));
    const claims = Uint8Array.of(0, 1, 0, 0, 255, 255, 255, 255, 7);
    assert.throws(() => valuesOf(huge, claims, ['end']), McapProblem);
    const list = cdrMessages(text('float64[] many\nuint8 end\n'));
    assert.throws(() => valuesOf(list, claims, ['end']), /ends before its fields/);
    assert.throws(() => cdrMessages(text(`uint8 ${'a'.repeat(5_000)}`)), /too long/);
    assert.throws(() => cdrMessages(text('===\nMSG: p/A\n'.repeat(600))), /too long/);
    assert.throws(() => protoMessages('a.B', Uint8Array.of(10, 255, 255, 255, 255, 15)), McapProblem);
    assert.throws(() => protoMessages('a.B', Uint8Array.of(11, 11, 11)), /group/);
    // Messages in messages in messages.
    let nested = Uint8Array.of(10, 1, 65);
    for (let level = 0; level < 40; level += 1) {
      const length = nested.length;
      nested = Uint8Array.of(level === 39 ? 34 : 26, (length & 127) | 128, length >> 7, ...nested);
    }
    assert.throws(
      () => protoMessages('A', Uint8Array.of(10, (nested.length & 127) | 128, nested.length >> 7, ...nested)),
      /levels deep/,
    );
  });

  it('never reads beyond a damaged message', () => {
    const type = cdrMessages(text(rosText));
    const proto = protobuf.parse(protoText).root.resolveAll();
    const described = (proto as unknown as { toDescriptor(syntax: string): protobuf.Message }).toDescriptor('proto3');
    const schema = (described.constructor as typeof protobuf.Message).encode(described).finish();
    const state = protoMessages('demo.State', schema);
    const survives = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        assert.ok(error instanceof McapProblem, String(error));
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        survives(() => valuesOf(type, Uint8Array.of(0, 1, 0, 0, ...bytes), ['points[1].x', 'last', 'name[0]']));
        survives(() => valuesOf(state, bytes, ['points[1].next.x', 'packed[2]', 'words[0]', 'big']));
        survives(() => protoMessages('demo.State', bytes));
        survives(() => decompressLz4(Uint8Array.of(4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, ...bytes), 64));
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('decompresses LZ4 frames of the reference program', () => {
    const rows = Array.from({ length: 200 }, (_, i) => `{"place":${i % 7},"angle":0.5,"speed":0.25}\n`).join('');
    for (const frame of [
      'BCJNGGhA6BwAAAAAAACVbAAAAPABeyJwbGFjZSI6MCwiYW5nbAoA9QIuNSwic3BlZWQiOjAuMjV9CiUAHzElABEfMiUAER8zJQARHzQlABEfNSUAER82JQARDwMB////////////////////////////////////31AuMjV9CgAAAAA=',
      'BCJNGHRAvWwAAADwAXsicGxhY2UiOjAsImFuZ2wKAPUCLjUsInNwZWVkIjowLjI1fQolAB8xJQARHzIlABEfMyUAER80JQARHzUlABEfNiUAEQ8DAf///////////////////////////////////99QLjI1fQp81RE8AAAAAFCTEZI=',
    ]) {
      const bytes = Buffer.from(frame, 'base64');
      assert.equal(new TextDecoder().decode(decompressLz4(bytes, 7_400)), rows);
      for (const size of [0, 7_399, 7_401]) assert.throws(() => decompressLz4(bytes, size), McapProblem);
      assert.throws(() => decompressLz4(bytes.subarray(0, 100), 7_400), McapProblem);
    }
  });

  it('takes a column apart into topic and field, and puts it together again', () => {
    const { topic, steps } = topicField('/arm/joint_states.position[2]');
    assert.deepEqual([topic, steps], ['/arm/joint_states', [{ name: 'position', index: 2 }]]);
    for (const name of ['/a', 'a', '/a.b/c', '/a/b.c', 'x.y'])
      assert.deepEqual(
        [topicField(topicColumn(name, 'p.q[1].r')).topic, topicField(topicColumn(name, 'p.q')).path],
        [name, 'p.q'],
      );
    for (const wrong of ['', '/a', '/a.', '/a.b[', '/a.b[x]', '/a.b..c', `/a${'.b'.repeat(20)}`, '.x'])
      assert.throws(() => topicField(wrong), /expected a column such as/, wrong);
  });
});
