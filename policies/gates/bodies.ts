import { holm } from '../../domain/statistics/index.ts';
import type { JudgedType } from './comparative.ts';
import { measured, notApplicable, percent, points, type GateResult } from './gate.ts';
import { pairedRatio, type PairedRatioSums } from './paired-ratio.ts';
import { leastTaskEpisodes, taskMargin, taskSignificance } from './tasks.ts';

/** Held-out episodes of one body. */
export interface BodyFacts {
  /** `rover@2` */
  readonly robotType: string;
  readonly episodes: number;
  readonly frames: number;
  readonly agreeingFrames: number;
  /** Beside the champion; undefined without one. */
  readonly agreement?: PairedRatioSums | undefined;
  /** Candidate and champion were both made for it. */
  readonly isOwnOfBoth?: boolean;
}

interface BodyVerdict {
  readonly gates: readonly GateResult[];
  /** `proven`: enough held-out episodes, and no gate fails. */
  readonly standing: 'proven' | 'unproven';
}

type JudgedBody = Pick<JudgedType, 'limits'>;

/** A body that the fleet runs the champion on by its own model needs no more data because robots of another body came. */
const leastOwnEpisodes = 1;

/**
 * Judges a candidate for each body apart: as many held-out episodes as the robot type's `minBodyEpisodes`, or one of the body that candidate and
 * champion were both made for, its least label agreement, and not proved worse than the champion (all bodies tested together, Holm). They
 * hold no candidate back: a body that does not pass is not given it without a person.
 */
export function bodyVerdicts(bodies: readonly BodyFacts[], { limits }: JudgedBody): readonly BodyVerdict[] {
  const least = limits.minBodyEpisodes ?? leastTaskEpisodes;
  const compared = bodies.map(({ agreement }) =>
    agreement === undefined || agreement.episodes === 0 ? undefined : pairedRatio(agreement, { margin: taskMargin }),
  );
  const harms = compared.flatMap((found) => (found === undefined ? [] : [found.harm]));
  const { rejected, adjusted } = holm(harms, taskSignificance);
  let place = 0;
  return bodies.map((body, index): BodyVerdict => {
    const found = compared[index];
    const gates = [
      enough(body, body.isOwnOfBoth === true ? leastOwnEpisodes : least),
      agrees(body, limits.minAgreementFraction),
    ];
    if (found === undefined) gates.push(notApplicable('body.champion', 'p-value', taskSignificance, 'champion'));
    else {
      gates.push(
        harmless(
          body,
          points((found.candidate ?? 0) - (found.other ?? 0)),
          adjusted[place] ?? 1,
          rejected[place] === true,
        ),
      );
      place += 1;
    }
    return { gates, standing: gates.some(({ outcome }) => outcome === 'fail') ? 'unproven' : 'proven' };
  });
}

const enough = ({ robotType, episodes, isOwnOfBoth }: BodyFacts, least: number): GateResult =>
  measured({
    id: 'body.episodes',
    value: episodes,
    limit: least,
    unit: 'episodes',
    sampleSize: episodes,
    passes: episodes >= least,
    sentence: `${episodes} held-out episodes of ${robotType}; ${least} ${least === 1 ? 'is' : 'are'} needed${isOwnOfBoth === true ? ', since the champion was made for it too' : ''}`,
  });

function agrees({ robotType, episodes, frames, agreeingFrames }: BodyFacts, least: number): GateResult {
  const value = agreeingFrames / frames;
  return measured({
    id: 'body.agreement',
    value,
    limit: least,
    unit: 'fraction',
    sampleSize: episodes,
    passes: value >= least,
    sentence: Number.isFinite(value)
      ? `${percent(value)} of ${frames} frames of ${robotType} agree with their labels; at least ${percent(least)} is needed`
      : `no held-out frame of ${robotType}`,
  });
}

const harmless = ({ robotType, agreement }: BodyFacts, fall: string, p: number, isWorse: boolean): GateResult =>
  measured({
    id: 'body.champion',
    value: p,
    limit: taskSignificance,
    unit: 'p-value',
    sampleSize: agreement?.episodes ?? 0,
    passes: !isWorse,
    sentence: `label agreement on ${robotType} ${fall} against the champion in ${agreement?.episodes ?? 0} episodes, ${isWorse ? 'proved' : 'not proved'} more than ${percent(taskMargin)} worse (adjusted p; ${taskSignificance} is the limit)`,
  });
