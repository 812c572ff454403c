import { h, type ComponentChild, type ComponentChildren } from 'preact';

import type { IncidentsAnswer } from '../../console/answers/incidents.ts';
import { spanText } from '../format.ts';
import { damagedNote, exactMoment, stateBox, table } from '../states.ts';
import { championWay } from './champion-words.ts';

type Before = NonNullable<IncidentsAnswer['changesBefore']>[number];
type Change = Before['items'][number];

/** What was done, in words: what robots run by it, who did it and why. */
export function changeText({ kind, version, robots, way, untilMs, who, why }: Change): string {
  const said = `by ${who}: ${why}`;
  const all = `all robots to ${version ?? 'a version that is not told'}`;
  switch (kind) {
    case 'rollback':
      return `Rollback, ${all}, ${said}`;
    case 'undo':
      return `Rollback undone, ${all}, ${said}`;
    case 'champion':
      return way === null
        ? `Order, ${all}, ${said}`
        : `Champion ${version ?? 'not told'}, ${championWay({ way, who, why })}`;
    case 'exposure':
      return `Trial, ${robots === null ? 'all robots but a few' : `${robots} robot${robots === 1 ? '' : 's'}`} on candidate ${version ?? 'not told'}, ${said}`;
    case 'trialEnd':
      return `End of a trial, ${all}, ${said}`;
    case 'freeze':
      return `Trials frozen${untilMs === null ? '' : ` until ${new Date(untilMs).toISOString()}`}, ${said}`;
    case 'lift':
      return `Freeze lifted, ${said}`;
    default:
      return kind satisfies never;
  }
}

const agoText = (change: Change, openedAtMs: number): string => `${spanText(openedAtMs - change.atMs)} before`;

/** Its beginning, where a reason is a whole verdict; the table of what changed has all of it. */
const inShort = (text: string): string =>
  text.length <= mostShort ? text : `${text.slice(0, text.lastIndexOf(' ', mostShort)).replace(/[,:;.]$/, '')} …`;
const mostShort = 160;

/** The last change of what robots run before an incident began, or else what was done last, in a few words; null: it is none that changes explain, or there was none. */
export function lastChange({ changesBefore }: IncidentsAnswer, incidentId: string): string | null {
  const before = changesBefore?.find((one) => one.incidentId === incidentId);
  const last = before?.items.find(({ version }) => version !== null) ?? before?.items[0];
  return before === undefined || last === undefined
    ? null
    : `Last change before it began, ${agoText(last, before.openedAtMs)}: ${inShort(changeText(last))}`;
}

/** What was ordered, promoted, put back and frozen before an incident of the whole fleet began; null: it is about something else. */
export function changesBefore(
  { changesBefore: all, damaged }: IncidentsAnswer,
  { incidentId, isOfFleet }: { readonly incidentId: string; readonly isOfFleet: boolean },
): ComponentChild {
  if (all === null) return isOfFleet ? titled(unreadable()) : null;
  const before = all.find((one) => one.incidentId === incidentId);
  if (before === undefined) return null;
  const { items, total, openedAtMs } = before;
  return titled([
    damagedNote(damaged),
    items.length === 0
      ? stateBox(
          'empty',
          'Nothing was ordered, promoted, put back or frozen in the 7 days before it began. Look for what changed at the sites, in the robots or in what they do.',
        )
      : table(
          items.length < total
            ? `Newest first; the last ${items.length} of ${total} in 7 days`
            : 'Newest first; of 7 days',
          [
            { head: 'How long before', cell: (change) => agoText(change, openedAtMs) },
            { head: 'When', cell: ({ atMs }) => exactMoment(atMs) },
            { head: 'What, by whom and why', cell: changeText },
          ],
          items,
          ({ atMs }, index) => `${atMs} ${index}`,
        ),
  ]);
}

const unreadable = (): ComponentChild =>
  stateBox('noData', 'What was ordered, promoted and frozen before cannot be read now. Nothing follows from this.');

const titled = (content: ComponentChildren): ComponentChild =>
  h('section', { 'aria-labelledby': 'before' }, [h('h3', { id: 'before' }, 'What changed before it began'), content]);
