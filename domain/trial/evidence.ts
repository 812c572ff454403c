import type { RobotEvidence } from '../experiment/index.ts';
import type { Block } from '../statistics/index.ts';
import { blocksOf, type PackedCell } from './cells.ts';
import type { TrialPlan } from './plan-document.ts';

/** From when on the first `robots` of the order were candidates. */
export interface Exposure {
  readonly robots: number;
  /** Block of the trial in which it began. */
  readonly block: number;
}

/** What is known of a robot beside its cells. */
export interface Sighting {
  /** `unknown` is not silence: no gateway was there to hear it. */
  readonly contact: 'online' | 'silent' | 'unknown';
  /** Since it was last heard of, by a gateway or by a report; undefined when it never was. Real time. */
  readonly heardAgeMs: number | undefined;
  readonly version: string | null;
  /** The update windows of its site are closed: it may not take the candidate now. */
  readonly isWindowClosed?: boolean;
  /** Block of the newest thing it told of; undefined before the first. Robots tell in order. */
  readonly newestBlock: number | undefined;
  /** Block in which it left the trial: quarantined, retired or moved away. */
  readonly leftBlock?: number | undefined;
}

/** What the evidence of a tick is made of. */
export interface EvidenceInput {
  readonly plan: TrialPlan;
  readonly exposures: readonly Exposure[];
  /** Robots taken off the candidate as faulty: out of the evidence, in both arms. */
  readonly faultyRobots: readonly string[];
  /** The present block; later ones are not looked at. */
  readonly nowBlock: number;
  readonly cellsOf: (robotId: string, version: string) => readonly PackedCell[];
  readonly sightingOf: (robotId: string) => Sighting;
  /** Real time since the candidates' last exposure. */
  readonly exposedForMs: number;
  /** Width of the blocks asked for, in blocks of the cells. Default 1. */
  readonly width?: number;
}

/**
 * The robots of a trial in their present arms, with what each did on the version of its arm: candidates since their own
 * exposure, the others since block 0. An outcome counts to the version that ran it. Without any exposure nobody is candidate.
 */
export function robotEvidence(input: EvidenceInput): RobotEvidence[] {
  const { plan, faultyRobots } = input;
  const faulty = new Set(faultyRobots);
  return plan.robots.flatMap(({ robotId, baseline }, rank): RobotEvidence[] => {
    if (faulty.has(robotId)) return [];
    const since = input.exposures.find(({ robots }) => rank < robots)?.block;
    const arm = since === undefined ? 'control' : 'candidate';
    const version = since === undefined ? plan.championVersion : plan.candidateVersion;
    const { leftBlock = Number.POSITIVE_INFINITY } = input.sightingOf(robotId);
    const told = input
      .cellsOf(robotId, version)
      .filter(({ block }) => block >= (since ?? 0) && block <= input.nowBlock);
    const cells = told.filter(({ block }) => block <= leftBlock);
    // A safety event counts whoever left: it may run the candidate still.
    const safetyEvents = told.reduce((sum, cell) => sum + (cell.safetyEvents ?? 0), 0);
    return [
      {
        robotId,
        arm,
        baseline,
        blocks: cells.flatMap((cell): Block[] => blocksOf(cell, input.width)),
        ...(safetyEvents > 0 ? { safetyEvents } : {}),
        ...(Number.isFinite(leftBlock)
          ? gone(input, { arm, leftBlock, since: since ?? 0 })
          : {
              ...reporting(input, robotId),
              ...known(input, robotId),
              ...(arm === 'candidate' ? installing(input, robotId) : {}),
            }),
      },
    ];
  });
}

/**
 * Robots that joined after the plan was made and had a safety event on the candidate, which they run in the last stage like everybody
 * but the holdback. They are in no arm: nobody knows their past, and the plan counts without them. Sorted.
 */
export function unsafeLateRobots(
  input: Pick<EvidenceInput, 'plan' | 'faultyRobots' | 'nowBlock' | 'cellsOf'> & {
    /** Robots of the policy now. */
    readonly robotIds: readonly string[];
  },
): readonly string[] {
  const { plan, cellsOf, nowBlock } = input;
  const known = new Set([...plan.robots.map(({ robotId }) => robotId), ...plan.excluded, ...input.faultyRobots]);
  const isUnsafe = (robotId: string): boolean =>
    cellsOf(robotId, plan.candidateVersion).some(
      ({ block, safetyEvents = 0 }) => block >= 0 && block <= nowBlock && safetyEvents > 0,
    );
  return input.robotIds.filter((robotId) => !known.has(robotId) && isUnsafe(robotId)).toSorted();
}

/**
 * Of one that left nothing is waited for, and its silence is nobody's. As a candidate it runs the candidate no more, as far as the trial
 * knows: a stage that most of its candidates left holds.
 */
function gone(
  { nowBlock, width = 1 }: EvidenceInput,
  { arm, leftBlock, since }: { arm: RobotEvidence['arm']; leftBlock: number; since: number },
): Pick<RobotEvidence, 'lastReportAgeMs' | 'installed' | 'left'> {
  const presentFraction = Math.min(1, Math.max(0, (leftBlock + 1 - since) / Math.max(1, nowBlock + 1 - since)));
  return {
    lastReportAgeMs: 0,
    ...(arm === 'candidate' ? { installed: false } : {}),
    left: { block: Math.floor(leftBlock / width), presentFraction },
  };
}

/** An age in fleet time, so that the profile's limit falls on the limit of the judge. */
const scaled = ({ rolloutLimits, times }: TrialPlan, realMs: number): number =>
  (realMs * rolloutLimits.silence.missingMinutes * 60_000) / times.missingAfterMs;

/** Age of the last report. */
function reporting({ plan, sightingOf }: EvidenceInput, robotId: string): { lastReportAgeMs?: number } {
  const { contact, heardAgeMs } = sightingOf(robotId);
  if (contact === 'unknown') return { lastReportAgeMs: 0 };
  if (heardAgeMs === undefined) return {};
  return { lastReportAgeMs: scaled(plan, heardAgeMs) };
}

/**
 * A robot that is there may still have to bring what it made in an outage, up to a day of it. One that is away, or tells nothing for
 * longer although it is there, keeps nobody waiting.
 */
function known(
  { plan, sightingOf, nowBlock, width = 1 }: EvidenceInput,
  robotId: string,
): { knownUntilBlock?: number; backlogAgeMs?: number } {
  const { contact, newestBlock = 0 } = sightingOf(robotId);
  const behindMinutes = (nowBlock - newestBlock) * plan.rolloutLimits.blockMinutes;
  if (contact !== 'online' || behindMinutes > dayMinutes) return {};
  const realMs = (behindMinutes / dayMinutes) * plan.times.dayMs;
  return { knownUntilBlock: Math.floor(newestBlock / width), backlogAgeMs: scaled(plan, realMs) };
}

const dayMinutes = 24 * 60;

/** A candidate whose window is closed did not install it, seen or not: its silence is none of the candidate's. One that had as long as a silent robot may have, is online and still runs something else did not install it. */
function installing({ plan, sightingOf, exposedForMs }: EvidenceInput, robotId: string): { installed?: boolean } {
  const { contact, version, isWindowClosed = false } = sightingOf(robotId);
  if (version === plan.candidateVersion) return { installed: true };
  if (isWindowClosed) return { installed: false };
  return contact === 'online' && exposedForMs >= plan.times.missingAfterMs ? { installed: false } : {};
}
