import type { FleetAnswer } from '../console/answers/fleet.ts';
import type { IncidentsAnswer } from '../console/answers/incidents.ts';
import type { TrialAnswer } from '../console/answers/trials.ts';
import { driftInShort } from '../domain/words/plain-reason.ts';
import { wordsOf } from './cause-words.ts';
import { fieldOf, textField } from './fields.ts';
import { lastChange } from './pages/changes-before.ts';
import type { PageName } from './route.ts';
import { spanText } from './format.ts';
import { plainWord } from './plain-words.ts';
import type { Reading } from './reading.ts';

interface Need {
  readonly text: string;
  /** What is known of it, and what to do; stands below. */
  readonly detail?: string;
  /** Since when, Unix ms. */
  readonly sinceMs?: number;
  /** Robots may do harm, or nobody would hear of it. */
  readonly isUrgent?: boolean;
  readonly page: PageName;
  readonly query?: Readonly<Record<string, string>>;
}

/** What needs a person now. `unknown`: what could not be looked at, so that no list is taken for a whole one. */
export interface Attention {
  readonly needs: readonly Need[];
  readonly unknown: readonly string[];
  /** Open incidents that somebody has seen already. */
  readonly acknowledged: number;
  /** Nothing was refused, but not everything has answered yet. */
  readonly isLoading: boolean;
}

interface Sources {
  readonly fleet: Reading<FleetAnswer>;
  readonly incidents: Reading<IncidentsAnswer>;
  readonly trial: Reading<TrialAnswer>;
}

type Open = IncidentsAnswer['open'][number];

/** The monitor looks every few minutes; after this it is said that it does not. */
const monitorLateMs = 3_600_000;

export function attentionOf({ fleet, incidents, trial }: Sources): Attention {
  const sources = [
    ['the fleet', fleet],
    ['incidents', incidents],
    ['the trial', trial],
  ] as const;
  return {
    needs: [
      ...(incidents.data === null ? [] : needsOfIncidents(incidents.data)),
      ...(trial.data === null ? [] : needsOfTrial(trial.data)),
      ...(fleet.data === null ? [] : needsOfFleet(fleet.data)),
    ],
    unknown: [
      ...sources.flatMap(([name, { problem }]) => (problem === null ? [] : [`${name}: ${problem.message}`])),
      ...(incidents.data?.lookedAtMs === null ? ['incidents: no monitor has looked yet'] : []),
      ...(fleet.data?.presence === 'unknown' ? ['contact: no gateway says which robots are there'] : []),
    ],
    acknowledged: incidents.data?.open.filter(({ acknowledgedBy }) => acknowledgedBy !== null).length ?? 0,
    isLoading: sources.some(([, { data, problem }]) => data === null && problem === null),
  };
}

const asSentence = (text: string): string => (text === '' || /[.!?…]$/.test(text) ? text : `${text}.`);

function needsOfIncidents(answer: IncidentsAnswer): readonly Need[] {
  const { open, lookedAtMs, readAtMs } = answer;
  const late = lookedAtMs === null ? 0 : readAtMs - lookedAtMs;
  return [
    ...open
      .filter(({ acknowledgedBy }) => acknowledgedBy === null)
      .toSorted(moreUrgentFirst)
      .map(({ incidentId, cause, subject, reason, openedAtMs, severity }): Need => {
        const { title, todo } = wordsOf(cause);
        const change = lastChange(answer, incidentId);
        return {
          text: subject === 'fleet' ? title : `${subject}: ${title}`,
          detail: [cause === 'drift' ? driftInShort(reason) : reason, ...(change === null ? [] : [change]), todo]
            .map(asSentence)
            .join(' ')
            .trim(),
          sinceMs: openedAtMs,
          isUrgent: severity === 'urgent',
          page: 'incidents',
          query: { id: incidentId },
        };
      }),
    ...(late > monitorLateMs
      ? [
          {
            text: `The monitor last looked ${spanText(late)} ago: the fleet is not monitored`,
            page: 'incidents' as const,
          },
        ]
      : []),
  ];
}

/** Urgent ones, then those that have been open for longest. */
const moreUrgentFirst = (a: Open, b: Open): number =>
  Number(b.severity === 'urgent') - Number(a.severity === 'urgent') || a.openedAtMs - b.openedAtMs;

function needsOfTrial({ trial, rollout, rollback }: TrialAnswer): readonly Need[] {
  const version = textField(trial?.status, 'candidateVersion') ?? 'the candidate';
  const needs: Need[] = [];
  const step = textField(trial?.status, 'step', 'kind') ?? textField(rollout?.status, 'state', 'kind');
  if (trial?.run === 'RUNNING' && step === 'awaitingApproval')
    needs.push({ text: `The trial of ${version} waits for an approval`, page: 'trial' });
  if (trial?.run === 'RUNNING' && step === 'paused')
    needs.push({ text: `The trial of ${version} is paused until somebody resumes it`, page: 'trial' });
  if (trial?.run === 'RUNNING' && trial.status === null)
    needs.push({ text: 'A trial runs and no worker answers for it', page: 'trial' });
  if (trial !== null && ['FAILED', 'TIMED_OUT', 'TERMINATED'].includes(trial.run))
    needs.push({ text: `The last trial ended as ${plainWord(trial.run)} in the workflow engine`, page: 'trial' });
  if (rollback?.run === 'RUNNING' && fieldOf(rollback.status, 'waiting') instanceof Object)
    needs.push({ text: 'A rollback waits for an approval', page: 'trial' });
  return needs;
}

const robots = (count: number): string => `${count} robot${count === 1 ? '' : 's'}`;

function needsOfFleet({ quarantined, damaged }: FleetAnswer): readonly Need[] {
  return [
    ...(quarantined > 0
      ? [
          {
            text: `${robots(quarantined)} in quarantine, until somebody releases them`,
            page: 'fleet' as const,
            query: { state: 'quarantined' },
          },
        ]
      : []),
    ...(damaged.length > 0
      ? [
          {
            text:
              damaged.length === 1
                ? '1 damaged record of the fleet was left out'
                : `${damaged.length} damaged records of the fleet were left out`,
            page: 'fleet' as const,
          },
        ]
      : []),
  ];
}
