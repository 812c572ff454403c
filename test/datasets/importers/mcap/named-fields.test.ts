import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { cdrMessages } from '../../../../datasets/importers/mcap/cdr-messages.ts';
import { namedElement, stepsOf, topicColumn, topicField } from '../../../../datasets/importers/mcap/field-path.ts';
import { jsonMessages } from '../../../../datasets/importers/mcap/json-messages.ts';
import type { MessageType, Value } from '../../../../datasets/importers/mcap/message-type.ts';
import { namedFields } from '../../../../datasets/importers/mcap/named-fields.ts';
import { bytesOf } from './mcap-file.ts';

const way = (path: string) => stepsOf(path) ?? assert.fail(path);
const readAll = (type: MessageType, paths: readonly string[], messages: readonly Uint8Array[]) => {
  const { read, missing } = namedFields(type, paths.map(way));
  return messages.map((message) => {
    const into: Value[] = [];
    read(message, into);
    return [into, missing(message)] as const;
  });
};
const joints = (names: readonly string[], position: readonly number[]) => bytesOf({ name: names, position });

describe('an element of a list by its name', () => {
  it('is a column, in quotes where it has dots, slashes or brackets', () => {
    const field = topicField('/joint_states.position[name=elbow]');
    assert.equal(field.topic, '/joint_states');
    assert.deepEqual(field.steps, [{ name: 'position', index: undefined, key: { list: 'name', text: 'elbow' } }]);
    for (const text of ['panda.joint1', 'left/arm/elbow', 'left/arm.elbow', 'a[0]', 'a b', '7'])
      assert.deepEqual(topicField(`/joint_states.position[name="${text}"]`).steps[0]?.key, { list: 'name', text });
    for (const wrong of [
      'position[name=]',
      'position[=a]',
      'position[name=a',
      'a[n=b].c[n=d]',
      'position[name="a]',
      'p[n=a]x',
    ])
      assert.equal(stepsOf(wrong), undefined, wrong);
    assert.throws(() => topicField('/t.position[name=a.b]'), /such as .*\/topic\.list\[name=elbow\]/);
  });

  it('is named so that it is read back as the same, whatever its name', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 20 }), (text) => {
        const path = namedElement('position', 'name', text);
        if (path === undefined) return assert.match(text, /"|\n/);
        assert.equal(topicField(topicColumn('/joint_states', path)).steps[0]?.key?.text, text);
      }),
    );
    assert.equal(namedElement('position', 'name', ''), undefined);
    assert.equal(namedElement('position', 'name', 'elbow'), 'position[name=elbow]');
  });

  it('is found wherever it stands, and missing where it is not', () => {
    const paths = ['position[name=elbow]', 'position[0]', 'position[name=wrist]'];
    assert.deepEqual(
      readAll(jsonMessages, paths, [
        joints(['elbow', 'wrist'], [1, 2]),
        joints(['base', 'wrist', 'elbow'], [3, 4, 5]),
        joints(['gripper'], [6]),
        joints(['elbow'], [7]),
        joints(['elbow', 'elbow', 'wrist'], [8, 9, 10]),
        joints(['elbow', 'wrist'], [11]),
        bytesOf({ position: [12] }),
        joints(['elbow', 'wrist'], [13, 14]),
      ]),
      [
        [[1, 1, 2], undefined],
        [[5, 3, 4], undefined],
        [[undefined, 6, undefined], 'elbow'],
        [[7, 7, undefined], 'wrist'],
        [[8, 8, 10], undefined],
        [[11, 11, undefined], undefined],
        [[undefined, 12, undefined], 'elbow'],
        [[13, 13, 14], undefined],
      ],
    );
  });

  it('is found in lists of a fixed size of ROS 2 messages', () => {
    const type = cdrMessages(new TextEncoder().encode('string[2] name\nfloat64[2] position'));
    const message = (a: string, b: string) => {
      const bytes = Buffer.alloc(4 + 8 + 8 + 16);
      bytes.writeUInt8(1, 1);
      for (const [index, text] of [a, b].entries()) {
        bytes.writeUInt32LE(4, 4 + index * 8);
        bytes.write(`${text}\0`, 8 + index * 8, 'latin1');
        bytes.writeDoubleLE(index + 0.5, 20 + index * 8);
      }
      return bytes;
    };
    assert.deepEqual(
      readAll(type, ['position[name=bbb]'], [message('aaa', 'bbb'), message('bbb', 'ccc'), message('xxx', 'ccc')]),
      [
        [[1.5], undefined],
        [[0.5], undefined],
        [[undefined], 'bbb'],
      ],
    );
    assert.throws(() => namedFields(type, [way('position[label=bbb]')]), /no such field/);
  });
});
