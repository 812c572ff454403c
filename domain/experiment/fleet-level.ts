import { bernoulliVariance, robotBaseline, type FleetParameters, type RobotEvidence } from '../statistics/index.ts';

/** How far the robots are from their own past of late, whatever they run. */
export interface FleetLevel {
  /** Success above (below, if negative) what their past makes one expect. */
  readonly excess: number;
  readonly episodes: number;
  /** Its standard error. */
  readonly error: number;
}

const unknown: FleetLevel = { excess: 0, episodes: 0, error: 1 };

/** The level of one arm over the last `blocks` blocks; excess 0 and error 1 without episodes. Linear in the blocks. */
export function fleetLevel(
  robots: readonly RobotEvidence[],
  parameters: FleetParameters,
  span: { readonly arm: RobotEvidence['arm']; readonly blocks: number },
): FleetLevel {
  let last = 0;
  for (const robot of robots) for (const { block } of robot.blocks) if (block > last) last = block;
  let [excess, episodes] = [0, 0];
  for (const { arm, baseline, blocks } of robots) {
    if (arm !== span.arm) continue;
    const { base } = robotBaseline(parameters, baseline);
    for (const { block, successes, episodes: n } of blocks) {
      if (block <= last - span.blocks) continue;
      excess += successes - n * base;
      episodes += n;
    }
  }
  if (episodes === 0) return unknown;
  const error = Math.sqrt((parameters.phi * bernoulliVariance(parameters.mu)) / episodes);
  return { excess: excess / episodes, episodes, error };
}

const farBelow = 0.25;
const leastDeviations = 4;

/**
 * Is the fleet far below its own past? 25 pp, or half of its success if that is less, and four standard errors. A bad day is
 * not; everything failing is.
 */
export const isFarBelow = ({ excess, error }: FleetLevel, { mu }: FleetParameters): boolean =>
  excess <= -Math.min(farBelow, mu / 2) && excess <= -leastDeviations * error;
