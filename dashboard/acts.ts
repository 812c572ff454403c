import type { MeAnswer } from '../console/answers/me.ts';
import type { RunningCycleAnswer } from '../console/answers/cycles.ts';
import type { TrialAnswer } from '../console/answers/trials.ts';
import { wordsOf } from './cause-words.ts';
import { fieldOf, textField } from './fields.ts';
import { momentText } from './format.ts';
import { apiPath } from './route.ts';

export type Viewer = Pick<MeAnswer, 'name' | 'role'>;

/** An act that a page offers. */
export interface OfferedAct {
  /** On the button, and above the dialog. */
  readonly label: string;
  /** What happens when it is confirmed. */
  readonly effect: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** What is still to happen when the console has answered: the act is ordered then, and not done. */
  readonly after?: string;
  /** What to do, and where it is seen, where the answer is that somebody else has to approve first. */
  readonly whenAsked?: string;
  /** Why this viewer cannot do it now; null: it can be done. */
  readonly why: string | null;
  /** One more thing that the act needs to be told. */
  readonly field?: { readonly name: string; readonly label: string; readonly hint: string };
  /** It takes robots to another version, of which the dialog says what is known. */
  readonly versions?: VersionAct;
}

interface VersionAct {
  /** Of the API: where robots can go. */
  readonly path: string;
  /** `choose`: the field of the body that names the version that is chosen; `version`: the one it is about, null: where an order goes that names none. */
  readonly choose?: string;
  readonly version?: string | null;
}

const roles = ['viewer', 'operator', 'approver', 'admin'] as const;

/** Why a viewer may not act, by role alone; the console decides, this only says so before. */
export function roleWhy(viewer: Viewer | null, least: (typeof roles)[number]): string | null {
  if (viewer === null) return 'who you are is not known yet';
  if (roles.indexOf(viewer.role) >= roles.indexOf(least)) return null;
  return `needs the role ${least}; you are ${viewer.role}`;
}

/** Whether the viewer asked for what would be approved; the trial's workflow decides it again. */
function isOwn(askedBy: unknown, { name }: Viewer): boolean {
  const who = textField(askedBy, 'who') ?? '';
  const cause = textField(askedBy, 'cause') ?? '';
  return who === name || (who.startsWith('cycle ') && cause.endsWith(` by ${name}`));
}

const ownWhy = (viewer: Viewer | null, askedBy: unknown): string | null =>
  viewer !== null && isOwn(askedBy, viewer) ? 'you asked for it; somebody else has to approve it' : null;

/** What can be done now about the trial of a policy and its rollback. */
export function trialActs(
  { trial, rollback, freeze }: TrialAnswer,
  policy: string,
  viewer: Viewer | null,
): readonly OfferedAct[] {
  const frozen = freeze.kind === 'none' ? null : 'trials are frozen; an approver can lift it';
  const version = textField(trial?.status, 'candidateVersion');
  const step = textField(trial?.status, 'step', 'kind');
  const meant = version === undefined ? {} : { candidateVersion: version };
  const act = (name: string, least: 'operator' | 'approver', label: string, effect: string): OfferedAct => ({
    label,
    effect,
    path: `/api/v1/trial/${name}`,
    body: { policy, ...meant },
    why: roleWhy(viewer, least),
  });
  const of = version === undefined ? 'the trial' : `the trial of ${version}`;
  const running: OfferedAct[] = [];
  if (trial?.run === 'RUNNING' && step === 'awaitingApproval') {
    const waitsFor = textField(trial.status, 'step', 'reason');
    const ofStage = ({ body, ...one }: OfferedAct): OfferedAct => ({
      ...one,
      body: waitsFor === undefined ? body : { ...body, waitsFor },
    });
    const approve = act('approve', 'approver', 'Approve stage', `The waiting stage of ${of} starts.`);
    running.push(
      ofStage({ ...approve, why: approve.why ?? frozen ?? ownWhy(viewer, fieldOf(trial.status, 'askedBy')) }),
    );
    running.push(ofStage(act('reject', 'approver', 'Reject stage', `${of} ends. The robots return to the champion.`)));
  }
  if (trial?.run === 'RUNNING' && step !== 'returning') {
    running.push(
      step === 'paused'
        ? act('resume', 'operator', 'Resume trial', `${of} advances again.`)
        : act(
            'pause',
            'operator',
            'Pause trial',
            `${of} does not advance until somebody resumes it. Its guard stays active.`,
          ),
      act('abort', 'operator', 'Abort trial', `${of} ends. The robots return to the champion.`),
    );
  }
  return [...running.map((one) => ({ ...one, effect: capital(one.effect) })), ...waitingActs(rollback, policy, viewer)];
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Answers to the rollback that waits for an approval. */
function waitingActs(rollback: TrialAnswer['rollback'], policy: string, viewer: Viewer | null): readonly OfferedAct[] {
  const waiting = fieldOf(rollback?.status, 'waiting');
  const requestId = textField(waiting, 'requestId');
  if (rollback?.run !== 'RUNNING' || requestId === undefined) return [];
  const told = textField(waiting, 'version');
  const version = told ?? 'the version that was asked for';
  const who = textField(waiting, 'who') ?? 'somebody';
  const act = (name: string, label: string, effect: string, why: string | null): OfferedAct => ({
    label,
    effect: `${effect} ${who} asked for it: ${textField(waiting, 'reason') ?? 'no reason told'}`,
    path: `/api/v1/rollback/${name}`,
    body: { policy, requestId },
    why: roleWhy(viewer, 'approver') ?? why,
  });
  return [
    {
      ...act('approve', 'Approve rollback', `All robots of ${policy} go to ${version}.`, ownWhy(viewer, waiting)),
      after: followed,
      ...(told === undefined ? {} : { versions: { path: targetsPath(policy), version: told } }),
    },
    act('reject', 'Reject rollback', 'The fleet keeps its version.', null),
  ];
}

/** What the fleet runs, and what it ran before; null: there is none. */
type Champions = Pick<TrialAnswer, 'champion' | 'previous'>;

/** From which version to which: where that is known, with their numbers. */
function backText(known: Champions | null): string {
  if (known === null)
    return 'a running trial ends and everybody gets the champion; without a trial, everybody gets the champion before.';
  const { champion, previous } = known;
  const trial = `if a trial runs, it ends and everybody gets the champion${champion === null ? '' : `, ${champion}`}`;
  return previous === null
    ? `${trial}; if none runs, nothing happens, for there is no champion before.`
    : `${trial}; if none runs, everybody goes from ${champion ?? 'what it runs'} to ${previous}, the champion before.`;
}

const followed = 'Robots follow one by one: the pages Fleet and Trial say how many have confirmed the order.';
const undoable = `${followed} If it was a mistake, you can undo it yourself for a while: both pages have “Undo this rollback”.`;
const asked =
  'Tell an approver: the page Trial has “Approve rollback” and “Reject rollback” for them, not for you who asked. It stands there, and under “Needs a person now” of the page Fleet, until somebody answers; without an answer within a day it lapses. Until then the fleet keeps its version.';

const targetsPath = (policy: string): string => apiPath('rollback/targets', { policy });

/** Undoing the last rollback, while that can be done; nothing where the last order is none, or its time is over. */
export function undoActs(
  policy: string,
  viewer: Viewer | null,
  undo: TrialAnswer['undo'],
  nowMs: number,
): readonly OfferedAct[] {
  if (undo === undefined || undo.untilMs <= nowMs) return [];
  const { order, who, untilMs, version, why } = undo;
  const own = viewer === null || viewer.name === who ? null : `only ${who}, who ordered it, can undo it`;
  return [
    {
      label: version === null ? 'Undo this rollback' : `Undo this rollback: back to ${version}`,
      effect: `The rollback of order ${order} by ${who} is undone: all robots of ${policy} go back to ${version ?? 'what they ran before'}, which was champion before it, so nobody has to approve. Each robot ends its episode first. You can do this until ${momentText(untilMs)}, as long as nothing else is ordered.`,
      after: followed,
      path: '/api/v1/rollback/undo',
      body: { policy, order },
      why: roleWhy(viewer, 'operator') ?? own ?? why,
      ...(version === null ? {} : { versions: { path: targetsPath(policy), version } }),
    },
  ];
}

/** What can be done about a whole fleet. */
export const fleetActs = (
  policy: string,
  viewer: Viewer | null,
  known: Champions | null = null,
): readonly OfferedAct[] => [
  {
    label: 'Roll back now',
    after: undoable,
    effect: `All robots of ${policy} are ordered back at once: ${backText(known)}`,
    path: '/api/v1/rollback',
    body: { policy },
    why: roleWhy(viewer, 'operator'),
    versions: { path: targetsPath(policy), version: null },
  },
  {
    label: 'Roll back to a version',
    after: undoable,
    whenAsked: asked,
    effect: `All robots of ${policy} go to the version that you choose; where it is not the champion before, once an approver has approved it.`,
    path: '/api/v1/rollback',
    body: { policy },
    why: roleWhy(viewer, 'operator'),
    versions: { path: targetsPath(policy), choose: 'target' },
  },
  {
    label: 'Start a cycle',
    effect: `A cycle of ${policy} starts: it collects data, trains, and offers a candidate that passes its gates.`,
    path: '/api/v1/cycles',
    body: { policy },
    why: roleWhy(viewer, 'operator'),
  },
];

/** No second cycle of a policy starts while one runs: it would be refused. */
export const withRunning = (act: OfferedAct, running: RunningCycleAnswer | null): OfferedAct =>
  act.path !== '/api/v1/cycles' || running === null || running.cycle === null
    ? act
    : {
        ...act,
        why: act.why ?? 'A cycle runs already, and a second one would be refused: wait for its end, or abort it.',
      };

/** What can be done about one robot; nothing about one that is out of service for good. */
export function robotActs(
  {
    robotId,
    quarantine,
    retiredMs,
  }: { readonly robotId: string; readonly quarantine: unknown; readonly retiredMs: number | null },
  viewer: Viewer | null,
): readonly OfferedAct[] {
  if (retiredMs !== null) return [];
  const act = (name: string, least: 'operator' | 'approver', label: string, effect: string): OfferedAct => ({
    label,
    effect,
    path: `/api/v1/robots/${encodeURIComponent(robotId)}/${name}`,
    body: {},
    why: roleWhy(viewer, least),
  });
  return quarantine === null
    ? [
        act(
          'quarantine',
          'operator',
          'Quarantine robot',
          `Trials and learning exclude ${robotId} until its release. It keeps its version.`,
        ),
      ]
    : [
        act(
          'release',
          'approver',
          'Release robot',
          `${robotId} leaves quarantine. The next collection takes in its waiting data, and the next trial may include it.`,
        ),
      ];
}

interface Seen {
  readonly incidentId: string;
  readonly cause: string;
  readonly subject: string;
  readonly reason: string;
}

export const incidentAct = (
  { incidentId, cause, subject, reason }: Seen,
  policy: string,
  viewer: Viewer | null,
): OfferedAct => ({
  label: 'Acknowledge',
  effect: `The log records that you have seen: ${subject === 'fleet' ? '' : `${subject}: `}${wordsOf(cause).title} (${reason}). The incident stays open until its cause is gone.`,
  path: '/api/v1/incidents/acknowledge',
  body: { policy, incidentId },
  why: roleWhy(viewer, 'operator'),
});

/** Lets refused bytes in after all. */
export const refusedAct = (
  { sha256, robotId, rules }: { readonly sha256: string; readonly robotId: string; readonly rules: readonly string[] },
  policy: string,
  viewer: Viewer | null,
): OfferedAct => ({
  label: 'Release data',
  effect: `What ${robotId} sent waits for the next collection again, which does not apply ${rules.join(', ')} to it. Rules that keep the lake whole cannot be waived: then nothing is done.`,
  path: `/api/v1/quarantine/${sha256}/release`,
  body: { policy },
  why: roleWhy(viewer, 'approver'),
});
