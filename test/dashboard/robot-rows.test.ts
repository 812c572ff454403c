import assert from 'node:assert/strict';

import { h, options, render, type VNode } from 'preact';
import { act } from 'preact/test-utils';

import type { FleetAnswer } from '../../console/answers/fleet.ts';
import {
  mostRowsAtOnce,
  nextDrawing,
  nothingDrawn,
  robotHeads,
  robotRow,
  RobotRows,
} from '../../dashboard/pages/robot-rows.ts';
import { smallPlace } from './small-dom.ts';

const nowMs = Date.UTC(2026, 10, 27, 7, 0);
type Robot = FleetAnswer['items'][number];

/** As an answer has them: each time other objects. Every tenth one is silent for long, the others were seen within a minute. */
const robotsOf = (count: number, seenMs = nowMs): Robot[] =>
  Array.from({ length: count }, (_, index) => ({
    robotId: `r${String(index).padStart(3, '0')}`,
    site: 'hall',
    contact: index % 10 === 0 ? 'silent' : 'online',
    lastSeenMs: index % 10 === 0 ? nowMs - 7_200_000 : seenMs - index * 50,
    version: '1.4.0',
    quarantine: null,
  }));
const rowsOf = (robots: readonly Robot[], atMs = nowMs) => robots.map((robot) => robotRow(robot, 'wall', atMs));

describe('the rows of a fleet', () => {
  /** Rows that Preact has drawn or compared, in each of its goes. */
  let goes: number[] = [];
  const given = { ...options };
  beforeEach(() => {
    goes = [];
    options.diffed = (node: VNode) => {
      given.diffed?.(node);
      const last = goes.length - 1;
      if (node.type === 'tr') goes[last] = (goes[last] ?? 0) + 1;
      if (node.type === RobotRows) goes.push(0);
    };
  });
  afterEach(() => {
    Object.assign(options, given);
  });

  const drawn = () => {
    const { place, html } = smallPlace();
    return {
      html,
      /** Draws until nothing is left to draw; gives how many rows each go had. */
      draw: (rows: Parameters<typeof RobotRows>[0]['rows']): readonly number[] => {
        goes = [0];
        void act(() => render(h(RobotRows, { rows }), place));
        return goes.slice(0, -1);
      },
    };
  };

  it('name the column in each cell but the first, for a narrow screen that shows rows below each other', () => {
    const { draw, html } = drawn();
    draw(rowsOf(robotsOf(2)));
    for (const head of robotHeads.slice(1)) assert.equal(html().split(`data-head="${head}"`).length, 3, head);
    assert.ok(!html().includes(`data-head="${robotHeads[0]}"`));
    // A browser forgets what elements are that are not shown as a table.
    for (const [role, count] of [
      ['rowgroup', 1],
      ['row', 2],
      ['rowheader', 2],
      ['cell', 8],
    ] as const)
      assert.equal(html().split(` role="${role}"`).length - 1, count, role);
  });

  it('are drawn in goes that each leave the page free to answer', () => {
    const { draw, html } = drawn();
    const all = draw(rowsOf(robotsOf(500)));
    assert.deepEqual(
      all,
      Array.from({ length: 500 / mostRowsAtOnce }, () => mostRowsAtOnce),
    );
    assert.equal(html().split('<tr ').length, 501);
  });

  it('are drawn anew for the one robot that changed, and for no other', () => {
    const { draw, html } = drawn();
    draw(rowsOf(robotsOf(500)));
    // The next reading: everybody was seen again, ten seconds later, and one robot changed.
    const robots = robotsOf(500, nowMs + 9_000).map((robot) =>
      robot.robotId === 'r255' ? { ...robot, version: '2.0.0' } : robot,
    );
    assert.deepEqual(draw(rowsOf(robots, nowMs + 10_000)), [1]);
    assert.match(html(), /r255<\/a><\/th><td [^>]*>.*?<\/td><td [^>]*>2\.0\.0</);
    assert.deepEqual(draw(rowsOf(robots, nowMs + 10_000)), [0]);
  });

  it('are not even compared where what they show is the same', () => {
    const { draw } = drawn();
    draw(rowsOf(robotsOf(500)));
    let compared = 0;
    options.diffed = () => void (compared += 1);
    draw(rowsOf(robotsOf(500, nowMs + 9_000), nowMs + 10_000));
    assert.ok(compared < 10, `${compared} nodes were compared`);
  });

  it('are all as they are now in the end, in their order, whoever came and left', () => {
    const { draw, html } = drawn();
    draw(rowsOf(robotsOf(500)));
    const later = robotsOf(300, nowMs).map((robot, index) => ({
      ...robot,
      site: 'yard',
      robotId: index % 3 === 0 ? `q${robot.robotId}` : robot.robotId,
    }));
    const byName = later.toSorted((a, b) => (a.robotId < b.robotId ? -1 : 1));
    assert.equal(
      draw(rowsOf(byName)).reduce((sum, rows) => sum + rows, 0),
      300,
    );
    const fresh = drawn();
    fresh.draw(rowsOf(byName));
    assert.equal(html(), fresh.html());
    draw([]);
    assert.doesNotMatch(html(), /<tr/);
  });

  it('that have to wait stay as they are where they are there, and are left out where they are not', () => {
    const before = { rows: rowsOf(robotsOf(500)), isWhole: true };
    const wanted = rowsOf(robotsOf(501).map((robot) => ({ ...robot, site: 'yard' })));
    const { rows, isWhole } = nextDrawing(before, wanted);
    assert.deepEqual([rows.length, isWhole], [500, false]);
    assert.equal(rows[mostRowsAtOnce - 1], wanted[mostRowsAtOnce - 1]);
    assert.equal(rows[mostRowsAtOnce], before.rows[mostRowsAtOnce]);
    assert.deepEqual(nextDrawing(nothingDrawn, wanted.slice(0, mostRowsAtOnce)).isWhole, true);
  });

  it('tell how long ago and when a robot was seen, to the minute', () => {
    const [silent, online] = rowsOf(robotsOf(2), nowMs + 30_000);
    assert.deepEqual([silent?.seen, silent?.seenAtMs], ['2 h ago, ', nowMs - 7_200_000]);
    assert.deepEqual([online?.seen, online?.seenAtMs], ['less than 1 min ago', null]);
    const [robot] = robotsOf(1);
    assert.ok(robot);
    assert.equal(robotRow({ ...robot, lastSeenMs: null }, 'wall', nowMs).seen, 'never');
    assert.equal(robotRow({ ...robot, lastSeenMs: nowMs - 60_000 }, 'wall', nowMs).seen, '1 min ago, ');
  });
});
