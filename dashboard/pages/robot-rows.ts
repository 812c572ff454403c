import { Component, h, type ComponentChild, type ComponentChildren } from 'preact';
import { useEffect, useMemo, useReducer, useRef } from 'preact/hooks';

import type { FleetAnswer } from '../../console/answers/fleet.ts';
import { spanText } from '../format.ts';
import { hrefOf } from '../route.ts';
import { moment } from '../states.ts';

export const robotStates = ['online', 'silent', 'unknown', 'quarantined'] as const;

const stateSigns = { online: '●', silent: '◌', unknown: '?', quarantined: '⊘' } as const;

/** A state in words, with a sign of its own. */
const stateMark = (state: (typeof robotStates)[number]): ComponentChild =>
  h('span', { class: `mark mark-${state}` }, [h('span', { 'aria-hidden': 'true' }, `${stateSigns[state]} `), state]);

const minuteMs = 60_000;

/** All that a robot's row shows, and nothing that it does not: rows with the same are not drawn again. */
export interface RobotRow {
  readonly robotId: string;
  readonly policy: string | undefined;
  readonly contact: Exclude<(typeof robotStates)[number], 'quarantined'>;
  /** By whom and why; null: it is in none. */
  readonly quarantine: string | null;
  readonly version: string;
  readonly site: string;
  readonly seen: string;
  /** To the minute, which is what is shown; null: not shown. */
  readonly seenAtMs: number | null;
}

/** Below a minute it is not told how long ago: each of 500 rows would change with each reading. */
export function robotRow(
  { robotId, contact, quarantine, version, site, lastSeenMs }: FleetAnswer['items'][number],
  policy: string | undefined,
  nowMs: number,
): RobotRow {
  const ageMs = lastSeenMs === null ? null : nowMs - lastSeenMs;
  const isNow = ageMs !== null && ageMs < minuteMs;
  return {
    robotId,
    policy,
    contact,
    quarantine: quarantine === null ? null : ` by ${quarantine.who}: ${quarantine.why}`,
    version: version ?? 'never said',
    site,
    seen: ageMs === null ? 'never' : isNow ? 'less than 1 min ago' : `${spanText(ageMs)} ago, `,
    seenAtMs: lastSeenMs === null || isNow ? null : Math.floor(lastSeenMs / minuteMs) * minuteMs,
  };
}

/** Rows that are drawn, or changed, in one go: more would hold up the page for longer than a person notices. */
export const mostRowsAtOnce = 50;

export interface Drawing {
  readonly rows: readonly RobotRow[];
  /** These are all that are wanted, as they are wanted. */
  readonly isWhole: boolean;
}

export const nothingDrawn: Drawing = { rows: [], isWhole: true };

/** All of a row, what changes most often first. */
const shown = Object.keys({
  version: true,
  contact: true,
  seen: true,
  seenAtMs: true,
  quarantine: true,
  site: true,
  policy: true,
  robotId: true,
} satisfies Record<keyof RobotRow, true>) as readonly (keyof RobotRow)[];

const isSame = (a: RobotRow, b: RobotRow): boolean => shown.every((name) => a[name] === b[name]);

/**
 * What to draw after `before` on the way to `wanted`. A row that shows the same stays the same object. At most `mostRowsAtOnce` are new or others, the first ones
 * of `wanted`; of the rest, those that are there stay as they are until the next drawing, and those that are not wait for it.
 */
export function nextDrawing(before: Drawing, wanted: readonly RobotRow[]): Drawing {
  const drawn = new Map(before.rows.map((row) => [row.robotId, row]));
  let changes = 0;
  const rows = wanted.flatMap((row) => {
    const old = drawn.get(row.robotId);
    if (old !== undefined && isSame(old, row)) return [old];
    changes += 1;
    if (changes <= mostRowsAtOnce) return [row];
    return old ?? [];
  });
  return { rows, isWhole: changes <= mostRowsAtOnce };
}

/** The body of the table of robots; draws what changed and nothing else, and much of it in several goes, with the page free to answer in between. */
export function RobotRows({ rows }: { readonly rows: readonly RobotRow[] }): ComponentChild {
  const last = useRef(nothingDrawn);
  const [, goOn] = useReducer((goes: number) => goes + 1, 0);
  const drawing = nextDrawing(last.current, rows);
  last.current = drawing;
  // Runs when what was drawn is on the screen.
  useEffect(() => {
    if (!drawing.isWhole) goOn(undefined);
  });
  const shown = useRef(drawing.rows);
  if (!areSame(shown.current, drawing.rows)) shown.current = drawing.rows;
  return h(Rows, { rows: shown.current });
}

const areSame = (a: readonly RobotRow[], b: readonly RobotRow[]): boolean =>
  a.length === b.length && a.every((row, index) => row === b[index]);

/** Rows that are the same are not even compared: whatever else of the page is drawn anew costs nothing here. */
class Rows extends Component<{ readonly rows: readonly RobotRow[] }> {
  override shouldComponentUpdate({ rows }: { readonly rows: readonly RobotRow[] }): boolean {
    return rows !== this.props.rows;
  }

  override render(): ComponentChild {
    return h(
      'tbody',
      { role: 'rowgroup' },
      this.props.rows.map((row) => h(Row, { row, key: row.robotId })),
    );
  }
}

interface RobotTableBody {
  readonly items: FleetAnswer['items'];
  readonly policy: string | undefined;
  readonly nowMs: number;
}

/** The same of what the console told: rows are made anew only of another answer, or when time went on. */
export function RobotItems({ items, policy, nowMs }: RobotTableBody): ComponentChild {
  const rows = useMemo(() => items.map((robot) => robotRow(robot, policy, nowMs)), [items, policy, nowMs]);
  return h(RobotRows, { rows });
}

/** The columns of the table; on a narrow screen each cell stands below the name of its own. */
export const robotHeads = ['Robot', 'State', 'Model', 'Site', 'Last seen'] as const;

const cell = (column: number, content: ComponentChildren): ComponentChild =>
  h('td', { role: 'cell', 'data-head': robotHeads[column] }, content);

class Row extends Component<{ readonly row: RobotRow }> {
  override shouldComponentUpdate({ row }: { readonly row: RobotRow }): boolean {
    return row !== this.props.row;
  }

  override render(): ComponentChild {
    const { robotId, policy, contact, quarantine, version, site, seen, seenAtMs } = this.props.row;
    return h('tr', { role: 'row' }, [
      h('th', { scope: 'row', role: 'rowheader' }, h('a', { href: hrefOf('robot', { policy, id: robotId }) }, robotId)),
      cell(1, [stateMark(contact), quarantine === null ? null : [' ', stateMark('quarantined'), quarantine]]),
      cell(2, version),
      cell(3, site),
      cell(4, [seen, seenAtMs === null ? null : moment(seenAtMs)]),
    ]);
  }
}
