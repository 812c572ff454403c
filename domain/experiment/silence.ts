import type { Fold, RobotEvidence } from '../statistics/index.ts';
import type { RolloutLimits } from './limits.ts';

/** Which robots did not report for a while. */
export interface Silence {
  readonly candidates: number;
  readonly silentCandidates: readonly string[];
  readonly controls: number;
  readonly silentControls: number;
  /** Candidates online without the candidate policy. */
  readonly notInstalled: number;
  /** Robots that are there but have not told of anything for as long. */
  readonly behind: number;
}

/** Least share of candidates that must be silent before it means anything. */
export type SilenceReading = 'none' | 'infrastructure' | 'oneRobot' | 'candidates';

/**
 * A robot is silent when its last entry, or its last report if that is known, is `missingMinutes` old. A candidate that never
 * reported has been silent since the stage began.
 */
export function measureSilence(input: {
  robots: readonly RobotEvidence[];
  spans: Fold['spans'];
  hoursInStage: number;
  hoursTotal: number;
  limits: RolloutLimits;
}): Silence {
  const { robots, spans, hoursInStage, hoursTotal, limits } = input;
  const { missingMinutes } = limits.silence;
  const silent = (robot: RobotEvidence, index: number): boolean => {
    if (robot.lastReportAgeMs !== undefined) return robot.lastReportAgeMs >= missingMinutes * 60_000;
    const last = spans[index]?.last ?? -1;
    const never = robot.arm === 'candidate' ? hoursInStage : hoursTotal;
    const ageMinutes = last < 0 ? never * 60 : hoursTotal * 60 - (last + 1) * limits.blockMinutes;
    return ageMinutes >= missingMinutes - 1e-6;
  };
  let [candidates, controls, silentControls, notInstalled] = [0, 0, 0, 0];
  const silentCandidates: string[] = [];
  for (const [index, robot] of robots.entries()) {
    if (robot.arm === 'control') {
      controls += 1;
      if (silent(robot, index)) silentControls += 1;
    } else if (robot.installed === false) {
      notInstalled += 1;
      candidates += 1;
    } else {
      candidates += 1;
      if (silent(robot, index)) silentCandidates.push(robot.robotId);
    }
  }
  const behind = robots.filter(({ backlogAgeMs = 0 }) => backlogAgeMs >= missingMinutes * 60_000).length;
  return { candidates, silentCandidates, controls, silentControls, notInstalled, behind };
}

/** Enough candidates are silent to mean something, and controls much as they are: then it is the network. */
export function areSilentAlike(silence: Silence, limits: RolloutLimits): boolean {
  const { missingFraction, controlAlikeFraction } = limits.silence;
  const { treatedShare, controlShare } = sharesOf(silence);
  return treatedShare > 0 && treatedShare >= missingFraction && controlShare >= controlAlikeFraction * treatedShare;
}

/** What the silence means: the candidates' doing, one robot's, or the network's, which also silences controls. */
export function readSilence(silence: Silence, presence: 'known' | 'unknown', limits: RolloutLimits): SilenceReading {
  const { missingFraction, controlReportingFraction } = limits.silence;
  const { treatedShare, controlShare } = sharesOf(silence);
  if (treatedShare === 0 || treatedShare < missingFraction) return 'none';
  const network = areSilentAlike(silence, limits) || 1 - controlShare < controlReportingFraction;
  if (presence === 'unknown' || network) return 'infrastructure';
  return silence.silentCandidates.length === 1 ? 'oneRobot' : 'candidates';
}

const sharesOf = (silence: Silence): { readonly treatedShare: number; readonly controlShare: number } => ({
  treatedShare: silence.candidates > 0 ? silence.silentCandidates.length / silence.candidates : 0,
  controlShare: silence.controls > 0 ? silence.silentControls / silence.controls : 1,
});
