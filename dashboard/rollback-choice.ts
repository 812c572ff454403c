import { h, type ComponentChild, type ComponentChildren } from 'preact';

import type { RollbackTargetsAnswer } from '../console/answers/rollback-targets.ts';
import { intervalText, numberText, percentText, pointsText } from './format.ts';
import { championWay } from './pages/champion-words.ts';
import type { Reading } from './reading.ts';
import { damagedNote, exactMoment, moment, shownOf, stateBox } from './states.ts';

type Target = RollbackTargetsAnswer['targets'][number];
type Typed = { readonly currentTarget: { readonly value: string } };

interface Choice {
  readonly reading: Reading<RollbackTargetsAnswer>;
  readonly nowMs: number;
  /** The version that is chosen; empty: none yet. */
  readonly chosen: string;
  readonly isFixed: boolean;
  readonly onChoose: (version: string) => void;
}

/** Versions to go back to, each with when it was champion and how well it did; where the list cannot be had, a field for the name, because an order to go back must not wait for it. */
export function rollbackChoice({ reading, nowMs, ...choice }: Choice): ComponentChild {
  const { data } = reading;
  const target = data?.targets.find(({ version }) => version === choice.chosen);
  return h('fieldset', { class: 'choice', tabIndex: -1 }, [
    h('legend', null, 'Version to go back to'),
    shownOf(reading, nowMs, 'the versions to go back to', (list) => options(list, choice)),
    (data === null && reading.problem !== null) || (data !== null && data.targets.length < data.total)
      ? byName(choice, data === null, data === null ? 'The list cannot be had now' : `Another one of ${data.total}`)
      : null,
    h(
      'div',
      { role: 'status' },
      data === null || choice.chosen === ''
        ? null
        : target === undefined
          ? warnings([`Nothing is known here of ${choice.chosen}: it is not in this list.`])
          : warnings(warningsOf(data, target)),
    ),
  ]);
}

function options(list: RollbackTargetsAnswer, choice: Omit<Choice, 'reading' | 'nowMs'>): ComponentChild {
  return h('div', null, [
    damagedNote(list.damaged),
    h('p', { class: 'hint' }, [runningText(list), ' ', spanText(list)]),
    list.total === 0
      ? stateBox('empty', 'There is no earlier champion and no baseline to go back to.')
      : h(
          'div',
          { class: 'options' },
          list.targets.map((target) => option(list, target, choice)),
        ),
  ]);
}

function option(
  list: RollbackTargetsAnswer,
  target: Target,
  { chosen, isFixed, onChoose }: Omit<Choice, 'reading' | 'nowMs'>,
): ComponentChild {
  const { version, aliases } = target;
  const id = `target-${version.replaceAll(/\W+/g, '-')}`;
  const flags = flagsOf(list, target);
  return h('div', { class: 'option', key: version }, [
    h('label', null, [
      h('input', {
        type: 'radio',
        name: 'target',
        value: version,
        required: true,
        checked: version === chosen,
        disabled: isFixed,
        'aria-describedby': id,
        onChange: () => onChoose(version),
      }),
      h('strong', null, ` ${version}`),
      `${aliases.length === 0 ? '' : ` (${aliases.join(', ')})`}: ${choiceTexts[target.choice]}`,
    ]),
    h('div', { id, class: 'detail' }, [
      spellText(target),
      h('div', null, [
        comparisonText(list, target) ?? successText(target),
        flags.length === 0 ? null : h('strong', null, ` ⚠ ${flags.join('; ')}`),
      ]),
    ]),
  ]);
}

const choiceTexts: Readonly<Record<Target['choice'], string>> = {
  endTrial: 'ends the trial that runs, at once',
  assign: 'at once',
  ask: 'once an approver has approved it',
};

const byName = (
  { chosen, isFixed, onChoose }: Omit<Choice, 'reading' | 'nowMs'>,
  isOnly: boolean,
  why: string,
): ComponentChild =>
  h('label', null, [
    `${why}: name a version, like 1.2.3, or baseline`,
    h('input', {
      type: 'text',
      required: isOnly,
      maxLength: 63,
      value: chosen,
      readOnly: isFixed,
      onInput: (event: Typed) => onChoose(event.currentTarget.value),
    }),
  ]);

/** What is to be weighed before somebody orders, or approves, that robots go to this version; null: where an order goes that names none. */
export const weighed = (reading: Reading<RollbackTargetsAnswer>, nowMs: number, named: string | null): ComponentChild =>
  h(
    'section',
    { 'aria-label': 'What is known of the version' },
    shownOf(reading, nowMs, 'how well the version did', (list) => {
      const version = named ?? list.unnamed?.version ?? null;
      const target = list.targets.find((one) => one.version === version);
      if (version === null) return h('p', null, 'There is nothing to go back to.');
      if (target === undefined) return warnings([`Nothing is known here of ${version}.`]);
      return [
        damagedNote(list.damaged),
        h('p', { class: 'hint' }, [runningText(list), ' ', spanText(list)]),
        h('div', null, [h('strong', null, version), ': ', comparisonText(list, target) ?? successText(target)]),
        spellText(target),
        warnings(warningsOf(list, target)),
      ];
    }),
  );

function runningText({ running }: RollbackTargetsAnswer): string {
  return running === null
    ? 'The fleet has no order yet.'
    : `Runs now: ${running.version}, ${successText(running).toLowerCase()}.`;
}

function spanText({ from, to, state, asOfMs }: RollbackTargetsAnswer): ComponentChildren {
  if (state === 'unreadable') return 'How well versions did cannot be counted now. Nothing follows from this.';
  if (state === 'noFacts') return 'Nobody makes facts from telemetry: how well versions did is not known.';
  return [
    `By all counted episodes from ${from} until before ${to} (UTC), which may be of different times and robots.`,
    asOfMs === null ? null : [' Facts as of ', moment(asOfMs), '.'],
  ];
}

function spellText({ spells, spellsTotal }: Target): ComponentChild {
  if (spells.length === 0) return h('div', null, 'It was never champion.');
  const left = spellsTotal - spells.length;
  return h('div', null, [
    spells.map((spell, index) =>
      h('div', { key: String(index) }, [
        'Champion from ',
        exactMoment(spell.atMs),
        spell.untilMs === null ? ' on' : [' until ', exactMoment(spell.untilMs)],
        `, ${championWay(spell)}`,
      ]),
    ),
    left > 0 ? h('div', null, `and ${left} times before`) : null,
  ]);
}

type Measured = Pick<Target, 'success' | 'robots'>;

/** Success with its interval and numbers: `Success 71 % [68 % to 74 %], n 900 episodes of 12 robots`. */
const successText = (measured: Measured): string =>
  measured.success.kind === 'value'
    ? `Success ${measuredText(measured)}`
    : `Success not measured: ${measured.success.why}`;

function measuredText({ success, robots }: Measured): string {
  if (success.kind !== 'value') return 'not measured';
  const interval = intervalText(success, 'fraction', null);
  return `${percentText(success.value)}${interval === null ? '' : ` [${interval}]`}, n ${numberText(success.n, 0)} episodes of ${numberText(robots, 0)} robot${robots === 1 ? '' : 's'}`;
}

/** How a target compares with what runs, by the interval of the difference. */
type Comparison = 'same' | 'unknown' | 'worse' | 'lower' | 'equal' | 'higher' | 'better';

function comparisonOf({ running }: RollbackTargetsAnswer, { version, difference }: Target): Comparison {
  if (running?.version === version) return 'same';
  if (difference.kind !== 'value') return 'unknown';
  const { value, low, high } = difference;
  if (high !== null && high < 0) return 'worse';
  if (low !== null && low > 0) return 'better';
  return value === 0 ? 'equal' : value < 0 ? 'lower' : 'higher';
}

const comparisons: Readonly<Record<Exclude<Comparison, 'same' | 'unknown'>, string>> = {
  better: '✓ Measured better than what runs',
  higher: 'Measured higher than what runs, which may be chance',
  equal: 'Measured as high as what runs',
  lower: 'Measured lower than what runs, which may be chance',
  worse: '⚠ Measured worse than what runs',
};

/** Better or worse than what runs, with both values, their intervals and numbers, and the interval of the difference that says so; null: nobody can compare them. */
function comparisonText(list: RollbackTargetsAnswer, target: Target): ComponentChild {
  const comparison = comparisonOf(list, target);
  const { running } = list;
  const { success, difference } = target;
  if (comparison === 'same' || comparison === 'unknown' || running === null) return null;
  if (success.kind !== 'value' || running.success.kind !== 'value' || difference.kind !== 'value') return null;
  const { low, high } = difference;
  const interval = low === null || high === null ? '' : ` [${pointsText(low)} to ${pointsText(high)}]`;
  return [
    h('strong', null, comparisons[comparison]),
    `: ${measuredText(target)}, against ${measuredText(running)} of ${running.version}; difference ${pointsText(difference.value)}${interval}, 95 %.`,
  ];
}

/** In few words, beside each version. */
function flagsOf(list: RollbackTargetsAnswer, target: Target): readonly string[] {
  const comparison = comparisonOf(list, target);
  return [
    ...(comparison === 'unknown'
      ? [target.success.kind === 'value' ? 'how it compares with what runs is not known' : 'not measured']
      : []),
    ...(target.takenBack === null ? [] : ['was taken back']),
    ...(target.trial?.isAgainst === true ? ['its last trial ended against it'] : []),
  ];
}

/** The same with both values, the interval that decides and the numbers, for the one that is chosen. */
function warningsOf(list: RollbackTargetsAnswer, target: Target): readonly ComponentChildren[] {
  const { version, difference, takenBack, trial } = target;
  const comparison = comparisonOf(list, target);
  const both = `${version}: ${successText(target)}; ${list.running?.version ?? 'what runs'}: ${list.running === null ? 'nothing runs yet' : successText(list.running)}`;
  const interval =
    difference.kind === 'value' && difference.low !== null && difference.high !== null
      ? ` Difference ${pointsText(difference.value)} [${pointsText(difference.low)} to ${pointsText(difference.high)}], 95 %; wholly below 0 it is proven worse, wholly above 0 proven better.`
      : '';
  return [
    ...(comparison === 'worse' ? [`${version} measured worse than what runs now. ${both}.${interval}`] : []),
    ...(comparison === 'lower'
      ? [`${version} measured lower than what runs now, which may be chance. ${both}.${interval}`]
      : []),
    ...(comparison === 'unknown'
      ? [
          `${target.success.kind === 'value' ? '' : `${version} was not measured. `}How ${version} compares with what runs now is not known. ${both}. Nothing follows from this.`,
        ]
      : []),
    ...(takenBack === null
      ? []
      : [
          [
            `${version} was itself taken back `,
            exactMoment(takenBack.atMs),
            `: ${takenBack.version} was ${championWay(takenBack)}.`,
            ...(comparison === 'better' ? [` Yet it measured better than what runs now. ${both}.${interval}`] : []),
          ],
        ]),
    ...(trial?.isAgainst === true
      ? [[`Its last trial ended against it, `, moment(trial.atMs), `: ${trial.sentence}`]]
      : []),
  ];
}

const warnings = (texts: readonly ComponentChildren[]): ComponentChild =>
  texts.length === 0
    ? null
    : h(
        'ul',
        { class: 'warnings' },
        texts.map((text, index) => h('li', { key: String(index) }, [h('strong', null, '⚠ '), text])),
      );
