import { plainReason } from '../words/plain-reason.ts';
import type { NoticeCause } from './causes.ts';
import type { Finding, IncidentEvent } from './incidents.ts';

/** A run of the loop that ended, with what it said. */
export interface EndedRun {
  readonly workflowId: string;
  readonly kind: 'cycle' | 'abTest' | 'rollout' | 'rollback';
  /** As the workflow says it, or how the server ended it: failed, terminated, timedOut. */
  readonly outcome: string;
  readonly reason: string;
  readonly endedMs: number;
  readonly startedMs?: number;
  /** Of a rollback: where it went, and who asked for it; absent where it does not say. */
  readonly version?: string;
  readonly who?: string;
}

/** Something a running workflow tries again and again. */
export interface Retry {
  readonly workflowId: string;
  /** The activity; of a workflow task, `workflow task`. */
  readonly what: string;
  readonly attempt: number;
  /** Why it failed last, in a sentence. */
  readonly cause: string;
}

/** What the orchestration of a policy looks like from outside. */
export interface LoopSight {
  readonly schedule:
    | { readonly kind: 'on'; readonly periodMs: number }
    | { readonly kind: 'paused'; readonly note: string }
    | { readonly kind: 'missing' };
  /** Oldest first; may tell again what was told. */
  readonly ended: readonly EndedRun[];
  readonly retries: readonly Retry[];
  /** What waits for a person. */
  readonly approvals: readonly { readonly workflowId: string; readonly what: string }[];
}

/** What stands of the cycles that ended, because the server forgets them; sentences. */
export interface LoopStanding {
  readonly watchedSinceMs: number;
  /** Runs that ended up to this time are counted. */
  readonly seenEndMs: number;
  readonly lastGoodMs: number | null;
  readonly heldInRow: number;
  readonly held: string | null;
  /** The last cycle, if it failed. */
  readonly failed: string | null;
}

/** Cycles that trained and judged. */
const goodEnds: readonly string[] = ['promoted', 'offered', 'notOffered', 'gatesHold'];
const failedEnds: readonly string[] = ['failed', 'terminated', 'timedOut'];
const noticeOf: Readonly<Record<EndedRun['kind'], NoticeCause>> = {
  cycle: 'cycleEnd',
  abTest: 'verdict',
  rollout: 'trialEnd',
  rollback: 'rollback',
};

/** Attempts after which a retry is nobody's hiccup. */
const manyAttempts = 3;
/** Cycles in a row that the gates held. */
const manyHeld = 3;
/** Without a good cycle for so many periods, learning has stopped. */
const patientPeriods = 1.5;

/**
 * What stands after what ended since, and what there is to tell of it. At the first sight the past is counted and not told:
 * whoever starts a monitor is not told what an earlier one has told. `isTold`: runs that something else tells of.
 */
export function followLoop(
  before: LoopStanding | undefined,
  sight: LoopSight,
  nowMs: number,
  isTold: (run: EndedRun) => boolean = () => false,
): { readonly standing: LoopStanding; readonly notices: readonly IncidentEvent[] } {
  const since = before ?? {
    watchedSinceMs: nowMs,
    seenEndMs: 0,
    lastGoodMs: null,
    heldInRow: 0,
    held: null,
    failed: null,
  };
  const fresh = sight.ended.filter(({ endedMs }) => endedMs > since.seenEndMs);
  const standing = fresh.reduce(afterRun, since);
  return { standing, notices: before === undefined ? [] : fresh.filter((run) => !isTold(run)).map(told) };
}

function afterRun(before: LoopStanding, { kind, outcome, reason, workflowId, endedMs }: EndedRun): LoopStanding {
  const after = { ...before, seenEndMs: Math.max(before.seenEndMs, endedMs) };
  if (kind !== 'cycle') return after;
  const isHeld = outcome === 'gatesHold';
  return {
    ...after,
    lastGoodMs: goodEnds.includes(outcome) ? endedMs : before.lastGoodMs,
    heldInRow: isHeld ? before.heldInRow + 1 : outcome === 'nothingNew' ? before.heldInRow : 0,
    held: isHeld ? reason : before.held,
    failed: failedEnds.includes(outcome) ? `${workflowId} ended as ${outcome}: ${reason}` : null,
  };
}

const told = ({ kind, workflowId, outcome, reason, endedMs, who }: EndedRun): IncidentEvent =>
  noticeAt(noticeOf[kind], workflowId, endedMs, `${outcome}: ${plainReason(reason)}`, who);

/** Something people want to hear of though nothing is wrong, and by whose decision. Its id tells cause, subject and time. */
export const noticeAt = (
  cause: NoticeCause,
  subject: string,
  atMs: number,
  reason: string,
  who?: string,
): IncidentEvent => ({
  incidentId: `${cause}.${subject.replaceAll(/[^A-Za-z0-9-]+/g, '-').slice(0, 63)}.${Math.round(atMs)}`,
  cause,
  subject: subject.slice(0, 200),
  state: 'noticed',
  atMs: Math.round(atMs),
  reason: reason.slice(0, 500),
  ...(who === undefined ? {} : { who: who.slice(0, 200) }),
});

/** Longer than this nobody plans ahead: what says so is forgotten, not planned. */
const longestPauseMs = 31 * 24 * 3_600_000;
const plannedPause = /^\S[^:]{0,99}: \S.{0,299}, until (\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?Z)$/;

/**
 * True for a pause that says who wants it, why, and until when, for as long as that: `lab: new floor, until 2026-11-27T10:00Z`. It
 * is no incident; every other pause is, and this one from then on.
 */
export function isPlannedPause(note: string, nowMs: number): boolean {
  const untilMs = Date.parse(plannedPause.exec(note)?.[1] ?? '');
  return nowMs < untilMs && untilMs <= nowMs + longestPauseMs;
}

/** What keeps the loop from turning: the schedule, failed and held cycles, retries, and people who are waited for. */
export function judgeLoop(
  { schedule, retries, approvals }: LoopSight,
  standing: LoopStanding,
  nowMs: number,
): Finding[] {
  const { lastGoodMs, watchedSinceMs, heldInRow, held, failed } = standing;
  const findings: Finding[] = [];
  if (schedule.kind === 'missing')
    findings.push(fleetWide('scheduleOff', 'there is no weekly schedule: `flywheel schedule` makes it'));
  if (schedule.kind === 'paused' && !isPlannedPause(schedule.note, nowMs))
    findings.push(fleetWide('scheduleOff', `the weekly schedule is paused: ${schedule.note || 'no reason given'}`));
  const waitedMs = nowMs - (lastGoodMs ?? watchedSinceMs);
  if (schedule.kind === 'on' && waitedMs > patientPeriods * schedule.periodMs)
    findings.push(
      fleetWide(
        'learningStopped',
        `no cycle ended well for ${spell(waitedMs)}, more than ${patientPeriods} times the ${spell(schedule.periodMs)} between scheduled cycles`,
      ),
    );
  if (failed !== null) findings.push(fleetWide('cycleFailed', failed));
  if (heldInRow >= manyHeld)
    findings.push(
      fleetWide(
        'championHolds',
        `the last ${heldInRow} cycles were held, ${held ?? 'by the gates'}; likely too few training steps, no warm start or too little new data`,
      ),
    );
  for (const { workflowId, what, attempt, cause } of retries)
    if (attempt >= manyAttempts)
      findings.push({
        cause: what === 'workflow task' ? 'workflowStuck' : 'stepRetries',
        subject: workflowId,
        reason: `${what} is at attempt ${attempt}, the last one failed: ${cause}`,
      });
  for (const { workflowId, what } of approvals)
    findings.push({ cause: 'approvalWaits', subject: workflowId, reason: plainReason(what) });
  return findings;
}

const fleetWide = (cause: Finding['cause'], reason: string): Finding => ({ cause, subject: 'fleet', reason });

/** `36.0 h`, `12 min`. */
const spell = (ms: number): string =>
  ms >= 3 * 3_600_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${Math.max(1, Math.round(ms / 60_000))} min`;
