import { sentenceOf, type ToldVerdict } from '../../activities/trials/told-verdicts.ts';
import { listEndedTrials } from '../../activities/trials/trial-course.ts';
import { readLastVerdicts, toldEnds, type ToldEnd } from '../../activities/trials/trial-sentences.ts';
import { trialKeys } from '../../activities/trials/trial-keys.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { allowedWords, aroundBound, effectWords } from '../../domain/words/effect-words.ts';
import { scoreFigure } from '../../domain/words/figures.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';
import { whyFrozen } from '../../domain/trial/freeze.ts';
import { trialsOf } from '../../fleet/desk/assignment-record.ts';
import { openFleetReader } from '../../fleet/desk/fleet-reader.ts';
import { describeWaits, windowWait, type WindowWait } from '../../fleet/desk/window-waits.ts';
import type { TrialStatus } from '../../workflows/trial/messages.ts';
import { readFreeze } from '../../store/records/freezes.ts';
import { withClient } from '../context.ts';
import { statusOf } from '../run-status.ts';
import { instant, measured, type Explanation, type Question, type Reason } from './reason.ts';

const mostEnded = 50;

/** Why the trial of a policy stands where it stands, or how the last one (or one of a name) ended. */
export async function whyTrial(question: Question): Promise<Explanation> {
  const { context, policy, what } = question;
  const running = await runningTrials(question);
  const wanted = isSlot(question) ? running.at(-1) : running.find((trialId) => trialId === what);
  if (wanted !== undefined) return whyRunning(question, wanted);
  const ended = await listEndedTrials(context.store, policy, mostEnded, question.onDamage);
  const last = isSlot(question) ? ended.at(-1) : ended.find(({ trialId }) => trialId === what);
  if (last === undefined)
    return {
      kind: 'trial',
      subject: what,
      answer: isSlot(question) ? `no robot is on trial, and no trial of ${policy} has ended` : `no such trial ended`,
      reasons: isSlot(question) ? [...(await frozen(question)), ...(await saidNow(question))] : [],
    };
  return {
    kind: 'trial',
    subject: last.trialId,
    answer: (await toldEnds(context.store, [last])).map(endText).join(''),
    reasons: [...(await lastVerdict(question, last.trialId)), more(policy)],
  };
}

/** Whether the words name the trial slot, a trial that runs, or one that ended or was judged. */
export async function isTrial(question: Question): Promise<boolean> {
  const { context, what } = question;
  if (isSlot(question) || (await runningTrials(question)).includes(what)) return true;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(what)) return false;
  return (await context.store.get(trialKeys.end(what))) !== undefined;
}

const isSlot = ({ what, policy }: Question): boolean => what === 'trial' || what === workflowIds.trialPolicy(policy);
const more = (policy: string): Reason => ({
  sentence: 'the whole course, stage by stage, is on the page Trial of the console, which is led to by its id',
  see: `flywheel trial status --policy ${policy}`,
});

/** The sentence of the console's pages, and where it comes from. */
export const endText = ({ trialId, outcome, sentence, atMs }: ToldEnd): string =>
  `${sentence} (trial ${trialId}, ended as ${outcome} at ${instant(atMs)})`;

/** Trials that robots are ordered to run something for, whoever answers now. */
export async function runningTrials({ context, policy }: Question): Promise<readonly string[]> {
  const { current } = await openFleetReader(context).readAssignments(policy);
  return current === undefined ? [] : [...trialsOf(current.record)];
}

async function whyRunning(question: Question, trialId: string): Promise<Explanation> {
  const { context, policy } = question;
  const reader = openFleetReader(context);
  const { current } = await reader.readAssignments(policy);
  const candidate = current?.record.overrides.find((override) => override.trialId === trialId)?.version;
  const verdicts = await lastVerdict(question, trialId);
  return {
    kind: 'trial',
    subject: trialId,
    answer: `${candidate ?? 'a candidate'} is on trial against ${current?.record.championVersion ?? 'the champion'}`,
    reasons: [
      ...(await frozen(question)),
      ...(await saidNow(question)),
      ...verdicts,
      ...(await waits(question)),
      more(policy),
    ],
  };
}

/** A freeze of the policy, if one holds. */
async function frozen({ context: { store, clock }, policy }: Question): Promise<readonly Reason[]> {
  const why = whyFrozen(await readFreeze(store, policy, clock()));
  return why === undefined ? [] : [{ sentence: why, see: `flywheel freeze show --policy ${policy}` }];
}

/** What the workflow says of itself: a pause, an approval that is waited for; a sentence where nobody answers. */
async function saidNow({ context, policy }: Question): Promise<readonly Reason[]> {
  const workflowId = workflowIds.trialPolicy(policy);
  const see = `flywheel trial status --policy ${policy}`;
  try {
    const status = await withClient(context.settings, (client) =>
      statusOf<TrialStatus>({ client, settings: context.settings, workflowId }),
    );
    const said: Partial<TrialStatus> = 'lastStatus' in status ? status.lastStatus : status;
    const step = said.step ?? null;
    const retried = status.retries === null ? [] : [{ sentence: `it retries: ${status.retries}`, see }];
    if (step === null) return [{ sentence: `the trial slot says: ${said.stage ?? 'nothing'}`, see }, ...retried];
    const from = said.pausedFrom === undefined ? '' : ` (from ${said.pausedFrom})`;
    return [{ sentence: `the step is ${step.kind}${from}: ${plainReason(step.reason)}`, see }, ...retried];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [{ sentence: `what the trial slot says now is unknown: ${why}`, see }];
  }
}

/** The newest verdict of the guard and the newest look of the A/B test, each in its sentence, with what they measured. */
async function lastVerdict({ context, onDamage }: Question, trialId: string): Promise<readonly Reason[]> {
  const { plan, tick, look } = await readLastVerdicts(context.store, trialId, onDamage);
  if (tick === undefined && look === undefined) return [{ sentence: 'nothing was judged yet' }];
  return [
    ...(look === undefined ? [] : lookReasons(plan, look)),
    ...(tick === undefined ? [] : tickReasons(plan, tick)),
  ];
}

type Plan = Parameters<typeof sentenceOf>[0] | undefined;

const said = (plan: Plan, told: ToldVerdict): string =>
  plan === undefined ? plainReason(told.result.reason) : sentenceOf(plan, told);
const when = ({ asked }: ToldVerdict): string => (asked === undefined ? '' : `, ${instant(asked.nowMs)}`);

function tickReasons(plan: Plan, told: ToldVerdict): readonly Reason[] {
  const { verdict, delta, lowerBound, marginFraction, logEvidence, threshold } = told.result;
  const sample = sampleOf(told);
  const bound =
    lowerBound === null || marginFraction === null
      ? []
      : [
          {
            sentence: `success: ${effectWords(aroundBound(delta, lowerBound))}; ${allowedWords(marginFraction)} where a stage is to pass`,
            ...measured(lowerBound, -marginFraction, 'fraction'),
            ...sample,
          },
        ];
  const harm =
    logEvidence === null || threshold === null
      ? []
      : [
          {
            sentence: `evidence of harm over all tasks together is ${scoreFigure(logEvidence)}; a rollback begins at ${scoreFigure(threshold)} (logarithms)`,
            ...measured(logEvidence, threshold, 'log evidence'),
            ...sample,
          },
        ];
  return [
    { sentence: `guard${when(told)}: ${verdict ?? 'unknown'}: ${said(plan, told)}`, ...sample },
    ...bound,
    ...harm,
  ];
}

function lookReasons(plan: Plan, told: ToldVerdict): readonly Reason[] {
  const { decision, delta, low, high, z, bound } = told.result;
  const sample = sampleOf(told);
  const interval =
    low === null || high === null
      ? []
      : [{ sentence: `success: ${effectWords({ delta, low, high })}`, ...measured(z, bound, 'z'), ...sample }];
  return [{ sentence: `A/B look${when(told)}: ${decision ?? 'unknown'}: ${said(plan, told)}`, ...sample }, ...interval];
}

function sampleOf({ result }: ToldVerdict): Pick<Reason, 'sample'> {
  const robots = result.robots ?? sumOf(result.candidateRobots, result.controlRobots);
  const episodes = result.episodes ?? sumOf(result.candidateEpisodes, result.controlEpisodes);
  const parts = [
    ...(robots === null ? [] : [`${robots} robots`]),
    ...(episodes === null ? [] : [`${episodes} episodes`]),
  ];
  return parts.length === 0 ? {} : { sample: parts.join(', ') };
}

const sumOf = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);

async function waits({ context, policy }: Question): Promise<readonly Reason[]> {
  const reader = openFleetReader(context);
  const orders = await reader.readOrders(policy);
  if (orders === undefined) return [];
  const { robots } = await reader.readFleet(policy);
  const found = robots.map((robot) => windowWait(robot, orders(robot.robotId)));
  const waiting = found.filter((wait): wait is WindowWait => wait !== undefined);
  return describeWaits(waiting, robots.length).map((sentence) => ({ sentence, see: 'flywheel windows show' }));
}
