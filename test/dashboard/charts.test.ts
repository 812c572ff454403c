import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { barChart, barsOf, namesBelow } from '../../dashboard/bar-chart.ts';
import {
  axisOf,
  extentOf,
  figure,
  labelHeight,
  lanesOf,
  nameGap,
  narrowest,
  placedNames,
  shortName,
  signWidth,
} from '../../dashboard/chart-axis.ts';
import { down } from '../../dashboard/chart-frame.ts';
import { chartOf, courseChart } from '../../dashboard/course-chart.ts';
import { frameOf, lineChart, pathOf } from '../../dashboard/line-chart.ts';
import { html } from './page-world.ts';

const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const height = fc.integer({ min: 40, max: 400 });
/** Values near each other, far from 0, too. */
const near = fc.tuple(number, number).map(([a, b]) => [a, a + b * 1e-6]);
const values = fc.oneof(fc.array(number, { minLength: 1, maxLength: 5 }), near);

describe('labels of an axis', () => {
  it('hold every value, have room below each other, and differ, whatever the numbers', () => {
    fc.assert(
      fc.property(values, height, fc.boolean(), (told, pixels, isWhole) => {
        const axis = axisOf(extentOf(told), pixels, { isWhole });
        assert.ok(axis.low < axis.high && Number.isFinite(axis.low) && Number.isFinite(axis.high));
        for (const value of told) {
          if (!Number.isFinite(value)) continue;
          const slack = 1e-9 * Math.max(Math.abs(axis.low), Math.abs(axis.high));
          assert.ok(value >= axis.low - slack && value <= axis.high + slack, `${value} in ${axis.low} to ${axis.high}`);
          const y = down(value, axis, pixels);
          assert.ok(y >= 0 && y <= pixels);
        }
        const { labels } = axis;
        assert.ok(labels.length >= 2 && (labels.length - 1) * labelHeight <= pixels, `${labels.length} in ${pixels}`);
        const written = labels.filter((text) => text !== '');
        assert.equal(new Set(written).size, written.length, labels.join(' | '));
        for (const text of labels) assert.ok(text.length <= 16, text);
      }),
      { numRuns: 2_000, examples: [[[-9.999999950000002e-109, -9.999999919999999e-109], 64, false]] },
    );
  });

  it('are round numbers', () => {
    assert.deepEqual(
      axisOf({ low: 0.31, high: 5.99 }, 190).labels,
      ['0', '1', '2', '3', '4', '5', '6'].filter((_, at) => at % 2 === 0),
    );
    assert.deepEqual(axisOf({ low: 38.9, high: 98 }, 190).labels, ['20', '40', '60', '80', '100']);
    assert.deepEqual(axisOf({ low: 0, high: 3 }, 190, { isWhole: true }).labels, ['0', '1', '2', '3']);
    assert.deepEqual(axisOf({ low: 0, high: 1 }, 190, { isWhole: true }).labels, ['0', '1']);
    assert.deepEqual(axisOf({ low: 0.1, high: 0.3 }, 80).labels, ['0.1', '0.2', '0.3']);
    assert.deepEqual(axisOf({ low: -2e300, high: 2e300 }, 80).labels, ['−2e300', '0', '2e300']);
    assert.equal(figure(1_000_500, -2), '1,000,500');
    assert.equal(figure(3e12 + 1e9, -9), '3.001e12');
  });

  it('that are names stand below each other, all that there is room for', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 300 }), (names) => {
        const { low, high, labels, height: pixels } = lanesOf(names);
        assert.ok((labels.length - 1) * labelHeight <= pixels);
        assert.ok(pixels <= 500);
        assert.ok(low <= -(names.length - 1) && high === 0);
        const apart = (high - low) / (labels.length - 1);
        for (const [at, label] of labels.entries())
          assert.equal(label, shortName(names[Math.round(-low - at * apart)] ?? '', 18));
      }),
    );
    assert.deepEqual(lanesOf(['ahead', 'left', 'right']).labels, ['right', 'left', 'ahead']);
    assert.equal(shortName('slight-right-turn-of-the-arm', 18), 'slight-right…e-arm');
  });
});

describe('names above a chart', () => {
  it('neither cover each other nor reach out of it, in charts of any width', () => {
    const places = fc.array(
      fc.record({ at: fc.double({ min: -0.5, max: 1.5, noNaN: true }), name: fc.string({ maxLength: 60 }) }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(places, fc.integer({ min: narrowest, max: 2_000 }), (told, width) => {
        const boxes = placedNames(told).map(({ at, name, row, anchor }) => {
          const wide = nameGap + signWidth * Array.from(name).length;
          const from = at * width - (anchor === 'end' ? wide : 0);
          return { row, from, to: from + wide };
        });
        for (const [at, { row, from, to }] of boxes.entries()) {
          assert.ok(from >= -1e-6 && to <= width + 1e-6, `${from} to ${to} of ${width}`);
          for (const other of boxes.slice(at + 1))
            assert.ok(row !== other.row || to <= other.from + 1e-6 || other.to <= from + 1e-6);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a chart of lines', () => {
  const line = { name: 'a', points: [0, 1, 2, 3].map((x) => ({ x, y: x === 1 ? null : x })) };

  it('stays in its frame, breaks at gaps, and tells lines apart by dashes and names', () => {
    const frame = frameOf([line], { height: 100 });
    assert.match(pathOf(line, frame), /^M[\d.]+ [\d.]+h0\.1M[\d.]+ [\d.]+L[\d.]+ [\d.]+$/);
    const text = html(lineChart([line, { ...line, name: 'b' }], { label: 'l', xText: String }));
    assert.match(text, /stroke-dasharray="8 4"/);
    fc.assert(
      fc.property(fc.array(fc.record({ x: number, y: fc.option(number) }), { maxLength: 6 }), (points) => {
        const drawn = html(
          lineChart([{ name: 'x', points }], {
            label: 'l',
            xText: () => 'x',
            at: 7,
            span: [-1, 1e300],
            events: [{ x: 9, name: 'e' }],
          }),
        );
        assert.doesNotMatch(drawn, /NaN|Infinity|not a number/);
      }),
      // Nearer to each other than a span can be divided.
      { examples: [[[6e-323, 5.4e-323, 0].map((y) => ({ x: 0, y }))]] },
    );
  });

  it('holds a value until the next one where there is nothing between two of them', () => {
    const frame = frameOf([line], { height: 100 });
    assert.match(pathOf({ ...line, isStepped: true }, frame), /M[\d.]+ [\d.]+H[\d.]+V[\d.]+$/);
  });
});

describe('a chart of bars', () => {
  it('stays in its frame for any counts, and tells parts apart by patterns and names', () => {
    const text = html(barChart([{ name: 'a', parts: [3, 2, 1] }], { label: 'l', series: ['one', 'two', 'three'] }));
    assert.match(text, /bar-0.*bar-1.*bar-2.*one.*two.*three/s);
    const { y, axis } = barsOf([{ name: 'a', parts: [3, 1] }], 100);
    assert.ok(axis.high === 4 && y(4) === 0 && y(0) === 100);
    for (const bars of [[], [{ name: 'x', parts: [0] }], [{ name: 'x', parts: [1e300, 1] }]])
      assert.doesNotMatch(html(barChart(bars, { label: 'l', series: ['s'] })), /NaN|Infinity/);
  });

  it('names each bar where all names fit, else the first and the last', () => {
    const days = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `2026-06-0${at}`, parts: [1] }));
    assert.deepEqual(namesBelow(days(2)), ['2026-06-00', '2026-06-01']);
    assert.deepEqual(namesBelow(days(3)), ['2026-06-00', '2026-06-02']);
    assert.deepEqual(namesBelow([]), []);
  });
});

describe('the course of a trial', () => {
  it('is drawn for any verdicts, in percentage points', () => {
    const point = fc.record({
      atMs: fc.nat(),
      name: fc.string(),
      effect: number,
      low: fc.option(number),
      high: fc.option(number),
      limit: fc.option(number),
    });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 4 }), (points) => {
        assert.doesNotMatch(html(courseChart(points)), /NaN|Infinity/);
      }),
    );
    const still = { atMs: 1, name: 'tick 1', effect: 0, low: 0, high: 0, limit: 0 };
    assert.deepEqual(chartOf([still]).axis.labels, ['0 pp', '+0.1 pp', '+0.2 pp', '+0.3 pp', '+0.4 pp', '+0.5 pp']);
  });
});
