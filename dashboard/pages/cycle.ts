import { h, type ComponentChild } from 'preact';

import type { CycleReportAnswer, EndedCyclesAnswer, RunningCycleAnswer } from '../../console/answers/cycles.ts';
import type { EndedTrialsAnswer } from '../../console/answers/trials.ts';
import { actBar, type Acting } from '../act-buttons.ts';
import { fleetActs, withRunning } from '../acts.ts';
import { fieldOf, numberField, textField } from '../fields.ts';
import { numberText } from '../format.ts';
import { cyclePartWord, plainWord } from '../plain-words.ts';
import type { Reading } from '../reading.ts';
import { hrefOf } from '../route.ts';
import { damagedNote, facts, moment, shownOf, stateBox, table } from '../states.ts';
import { cameOfIt, cycleOutcome } from './cycle-outcome.ts';
import { reportBody } from './cycle-report.ts';
import { runSteps, type RunStep } from './run-steps.ts';

interface CyclePage {
  readonly policy: string;
  /** The cycle whose report is shown; undefined: none. */
  readonly cycleId: string | undefined;
  readonly now: Reading<RunningCycleAnswer>;
  readonly report: Reading<CycleReportAnswer>;
  readonly ended: Reading<EndedCyclesAnswer>;
  /** Trials that ended, for what came of a candidate. */
  readonly trials?: Reading<EndedTrialsAnswer>;
  readonly nowMs: number;
  readonly acting: Acting;
}

/** The cycle that runs, step by step; what one that ended collected, mixed, trained and was judged by; and the list of them. */
export const cyclePage = ({ policy, cycleId, now, report, ended, trials, nowMs, acting }: CyclePage): ComponentChild =>
  h('div', null, [
    h('section', { 'aria-labelledby': 'now' }, [
      h('h2', { id: 'now' }, 'Now'),
      shownOf(now, nowMs, 'the cycle that runs', (data) => [
        data.cycle === null ? stateBox('empty', 'No cycle of this policy runs.') : runningCycle(data, data.cycle),
        actBar(
          fleetActs(policy, acting.viewer)
            .filter(({ path }) => path === '/api/v1/cycles')
            .map((act) => withRunning(act, data)),
          acting.onAct,
        ),
      ]),
    ]),
    h('section', { 'aria-labelledby': 'report' }, [
      h('h2', { id: 'report' }, cycleId === undefined ? 'Report' : `Report of ${cycleId}`),
      cycleId === undefined
        ? noReport(ended)
        : shownOf(report, nowMs, `the report of ${cycleId}`, (data) => reportBody(data, trials?.data?.items ?? [])),
    ]),
    h('section', { 'aria-labelledby': 'ended' }, [
      h('h2', { id: 'ended' }, 'Ended'),
      shownOf(ended, nowMs, 'cycles that ended', (data) => endedCycles(data, policy, trials?.data?.items ?? [])),
    ]),
  ]);

/** The cycle to show: the one that was asked for, or the last that ended. */
export const cycleIdOf = (ended: EndedCyclesAnswer | null, asked: string | undefined): string | undefined =>
  asked ?? ended?.items.at(-1)?.cycleId;

function noReport({ data, problem }: Reading<EndedCyclesAnswer>): ComponentChild {
  if (data !== null) return stateBox('empty', 'No cycle has ended yet, so there is no report.');
  if (problem === null) return stateBox('loading', 'Asking which cycle ended last …');
  return stateBox('noData', 'Which cycle ended last is not known now.');
}

const stages = ['collecting', 'training', 'offering', 'reporting'] as const;
const stepNames: Readonly<Record<(typeof stages)[number], string>> = {
  collecting: 'Collect and check data',
  training: 'Mix, train and judge',
  offering: 'Offer the candidate',
  reporting: 'Write the report',
};

const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? 'not told' : numberText(value, 0);

function runningCycle(
  { readAtMs, collection, training }: RunningCycleAnswer,
  { run, startedMs, status, workflowId }: NonNullable<RunningCycleAnswer['cycle']>,
): ComponentChild {
  const stage = textField(status, 'stage') ?? '';
  const at = stages.findIndex((name) => name === stage);
  const stateOf = (index: number): string => {
    if (stage === 'ended' || index < at) return '✓ done';
    return index === at ? '▶ runs now' : '◌ to come';
  };
  return h('div', null, [
    status === null ? stateBox('noData', 'No worker answers for it: how far it is, is not known now.') : null,
    facts([
      ['Workflow', `${workflowId}, ${plainWord(run)}`],
      ['Started', moment(startedMs)],
      ['Cause', textField(status, 'cause') ?? 'not told'],
      ['Champion at the start', textField(status, 'championVersion') ?? 'none'],
    ]),
    status === null
      ? null
      : table(
          'Steps',
          [
            { head: 'Step', cell: ({ name }) => stepNames[name] },
            { head: 'State', cell: ({ index }) => stateOf(index) },
            {
              head: 'How far',
              cell: ({ name, index }) => [
                howFar(name, status, { collection, training }),
                index === at ? runSteps(stepsOf(name, { collection, training }), readAtMs) : null,
              ],
            },
          ],
          stages.map((name, index) => ({ name, index })),
          ({ name }) => name,
        ),
  ]);
}

/** What the step that runs does now. */
const stepsOf = (
  name: (typeof stages)[number],
  { collection, training }: Pick<RunningCycleAnswer, 'collection' | 'training'>,
): readonly RunStep[] =>
  (name === 'collecting' ? collection?.steps : name === 'training' ? training?.steps : undefined) ?? [];

function howFar(
  name: (typeof stages)[number],
  status: unknown,
  { collection, training }: Pick<RunningCycleAnswer, 'collection' | 'training'>,
): string {
  if (name === 'collecting') {
    const told = fieldOf(status, 'collection') ?? collection?.status;
    if (told === undefined || told === null) return '';
    const batches = numberField(told, 'batches');
    const done = batches === undefined ? '' : `batch ${count(numberField(told, 'batchesDone'))} of ${count(batches)}; `;
    return `${done}${count(numberField(told, 'episodesStored'))} episodes stored, ${count(numberField(told, 'quarantinedEpisodes'))} refused. ${textField(told, 'reason') ?? ''}`;
  }
  if (name === 'training') {
    const result = fieldOf(status, 'training');
    if (result !== undefined)
      return `${cyclePartWord(textField(result, 'outcome'), 'done')}, ${count(numberField(result, 'trainRows'))} rows`;
    const told = training?.status;
    if (told === undefined || told === null) return '';
    const loss = numberField(told, 'validationLoss');
    return [
      cyclePartWord(textField(told, 'stage'), 'not told'),
      `${count(numberField(told, 'trainRows'))} rows`,
      ...searchText(fieldOf(told, 'search')),
      ...(loss === undefined ? [] : [`validation loss ${numberText(loss, 4)}`]),
    ].join(', ');
  }
  return name === 'offering' ? (textField(status, 'training', 'candidateVersion') ?? '') : outcomeOf(status);
}

function outcomeOf(status: unknown): string {
  const outcome = textField(status, 'outcome');
  return outcome === undefined ? '' : cycleOutcome(outcome);
}

/** How far a search is that stops bad trials early; nothing where none runs. */
function searchText(search: unknown): readonly string[] {
  const [rung, rungs] = [numberField(search, 'rung'), numberField(search, 'rungs')];
  if (rung === undefined || rungs === undefined) return [];
  if (rung > rungs) return ['search: the best trial goes on to its end'];
  return [`search: rung ${count(rung)} of ${count(rungs)}, ${count(numberField(search, 'trials'))} trials`];
}

const endedCycles = (
  { items, damaged }: EndedCyclesAnswer,
  policy: string,
  trials: EndedTrialsAnswer['items'],
): ComponentChild =>
  h('div', null, [
    damagedNote(damaged),
    items.length > 0
      ? table(
          'Newest first',
          [
            {
              head: 'Cycle',
              cell: ({ cycleId }) => h('a', { href: hrefOf('cycle', { policy, id: cycleId }) }, cycleId),
            },
            { head: 'Outcome', cell: ({ outcome }) => cycleOutcome(outcome) },
            { head: 'Candidate', cell: ({ candidateVersion }) => candidateVersion ?? 'none' },
            { head: 'What came of it, and why', cell: (cycle) => cameOfIt(cycle, trials, policy) },
            { head: 'Ended', cell: ({ writtenAtMs }) => moment(writtenAtMs) },
          ],
          items.toReversed(),
          ({ cycleId }) => cycleId,
        )
      : damaged.length === 0
        ? stateBox('empty', 'No cycle has ended yet.')
        : stateBox('noData', 'The reports cannot be read. Nothing follows from this.'),
  ]);
