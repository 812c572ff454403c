import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { lookedUp, namedColumn } from '../../../datasets/importers/column-name.ts';
import { dialectOf } from '../../../datasets/importers/csv-dialect.ts';
import { instantUs } from '../../../datasets/importers/source-time.ts';

const dialect = (text: string) => {
  const { units, ...rest } = dialectOf(text, {}, true);
  return { ...rest, units: Object.fromEntries(units) };
};

describe('how a text table is written', () => {
  it('is told by its beginning: separator, decimal mark, header, lines above and below it', () => {
    const plain = {
      separator: ',',
      decimal: '.',
      header: 'present',
      linesAbove: 0,
      linesBelow: 0,
      columns: undefined,
      units: {},
    };
    assert.deepEqual(dialect('t,x\n0,1\n1,2\n'), plain);
    assert.deepEqual(dialect('t;x;y\n0;1,5;2,5\n1;1,6;2,7\n'), { ...plain, separator: ';', decimal: ',' });
    assert.deepEqual(dialect('rig 7\nsecond shift, ok\ntime [s],q1 [rad],u\n0,1,2\n0.1,2,3\n'), {
      ...plain,
      linesAbove: 2,
    });
    assert.deepEqual(dialect('time;q1;q2\ns;°;\n0;1;2\n1;2;3\n'), {
      ...plain,
      separator: ';',
      linesBelow: 1,
      units: { time: 's', q1: 'deg' },
    });
    assert.deepEqual(dialect('0.1 0.2\n0.2 0.3\n'), {
      ...plain,
      separator: ' ',
      header: 'absent',
      columns: ['column-1', 'column-2'],
    });
    assert.deepEqual(dialect('t,x,x\n0,1,2\n1,2,3\n').columns, ['t', 'x', 'x (2)']);
    assert.deepEqual(dialect('0,1\n0.5,0.2\n0.7,0.1\n'), plain);
    assert.deepEqual(dialect('t,x\n0,1,\n1,2,\n2,3,\n').linesAbove, 0);
    assert.deepEqual(dialect('').separator, ',');
  });

  it('is found again for any table of numbers, however it is written', () => {
    const style = fc.constantFrom(
      { separator: ',', decimal: '.' },
      { separator: ';', decimal: '.' },
      { separator: ';', decimal: ',' },
      { separator: '\t', decimal: ',' },
      { separator: '|', decimal: '.' },
    );
    const table = fc.array(
      fc.tuple(fc.double({ min: -99, max: 99, noNaN: true }), fc.integer(), fc.constantFrom('a', 'b c')),
      {
        minLength: 3,
        maxLength: 30,
      },
    );
    const above = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(style, table, above, fc.boolean(), ({ separator, decimal }, rows, lines, hasHeader) => {
        const text = [
          ...Array.from({ length: lines }, (_, line) => `about the recording ${line}`),
          ...(hasHeader ? [['when', 'count', 'word'].join(separator)] : []),
          ...rows.map(([x, n, word]) => [x.toFixed(3).replace('.', decimal), n, word].join(separator)),
        ].join('\n');
        const found = dialectOf(text, {}, true);
        assert.deepEqual(
          [found.separator, found.decimal, found.header, found.linesAbove],
          [separator, decimal, hasHeader ? 'present' : 'absent', lines],
        );
      }),
    );
  });

  it('never fails, whatever stands in the file', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const { columns = [] } = dialectOf(text, {}, true);
        assert.equal(new Set(columns).size, columns.length);
      }),
    );
  });
});

describe('names of columns', () => {
  it('have their unit beside them, or in them', () => {
    const told = (header: string) => Object.values(namedColumn(header));
    assert.deepEqual(told('q1 [rad]'), ['q1', 'rad']);
    assert.deepEqual(told('Speed (m/s^2)'), ['Speed', 'm/s2']);
    assert.deepEqual(told('Motor Temp (°C)'), ['Motor Temp', 'degC']);
    assert.deepEqual(told('force / N'), ['force', 'N']);
    assert.deepEqual(told('load, N'), ['load', 'N']);
    assert.deepEqual(told('q[deg]'), ['q', 'deg']);
    assert.deepEqual(told('angle_deg'), ['angle_deg', 'deg']);
    for (const name of ['position[0]', 'position[elbow]', 'x', '[rad]', '', 'x, y', 'a[', '/cmd_vel/linear/x'])
      assert.deepEqual(told(name), [name, undefined]);
  });

  it('are looked up in one way of writing', () => {
    assert.deepEqual(['%time', '__time', 'Robot ID', 'frameIndex', 't [s]', 'field.header.seq'].map(lookedUp), [
      'time',
      'time',
      'robot_id',
      'frame_index',
      't',
      'field_header_seq',
    ]);
  });
});

describe('dates of spreadsheets', () => {
  const at = (text: string, order?: 'dmy' | 'mdy') => {
    const us = instantUs(text, 'UTC', order);
    return Number.isNaN(us) ? undefined : new Date(us / 1000).toISOString();
  };

  it('are read by day and month as somebody says, with half days', () => {
    assert.equal(at('27.11.2026 10:00:00,5'), '2026-11-27T10:00:00.500Z');
    assert.equal(at('7.1.2026'), '2026-01-07T00:00:00.000Z');
    assert.equal(at('2026/11/27 10:00:00'), '2026-11-27T10:00:00.000Z');
    assert.equal(at('2026-11-27 10:00:00 UTC'), '2026-11-27T10:00:00.000Z');
    assert.equal(at('11/27/2026, 9:05:01.25 PM', 'mdy'), '2026-11-27T21:05:01.250Z');
    assert.equal(at('3/4/2026 12:00 am', 'mdy'), '2026-03-04T00:00:00.000Z');
    assert.equal(at('3/4/2026 12:00', 'dmy'), '2026-04-03T12:00:00.000Z');
    for (const [text, order] of [
      ['11/27/2026', undefined],
      ['11/27/2026', 'dmy'],
      ['1/2/2026 13:00 PM', 'mdy'],
      ['0/2/2026', 'mdy'],
    ] as const)
      assert.equal(at(text, order), undefined, text);
  });
});
