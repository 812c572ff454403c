import { stageWords } from '../words/stage-words.ts';
import { parseRolloutLimits, planRollout, type FleetOutlook, type RolloutLimits } from '../experiment/index.ts';

/** No stage waits longer for its proof, fleet hours. */
const longestStageHours = 168;
/** A stage may take this much longer than planned. */
const reserve = 1.25;

/**
 * Limits under which an equal candidate can be proven harmless, as far as time can bring that about: a stage that needs more
 * than its maximum gets the time it needs, up to a week of the fleet. `remarks` say what changed, and which stage only a better
 * candidate will pass.
 */
export function provableLimits(
  limits: RolloutLimits,
  outlook: FleetOutlook,
): { readonly limits: RolloutLimits; readonly remarks: readonly string[] } {
  const asGiven = planRollout({ ...outlook, limits });
  const stages = limits.stages.map((stage) => {
    const least = Math.max(longestStageHours, stage.maximumHours);
    return { ...stage, maximumHours: least, smallFleetMaximumHours: least };
  });
  const atMost = planRollout({ ...outlook, limits: { ...limits, stages } });
  const remarks: string[] = [];
  const changed = limits.stages.map((stage, index) => {
    const [planned, longer] = [asGiven[index], atMost[index]];
    if (planned === undefined || longer === undefined || typeof planned.hours === 'number') return stage;
    const where = `${stageWords(index)} with ${planned.robots} robots at ${outlook.episodesPerRobotDay.toFixed(0)} episodes a robot and day`;
    if (typeof longer.hours !== 'number') {
      const gain = (100 * planned.leastGainFraction).toFixed(1);
      remarks.push(
        `${where} cannot prove an equal candidate within ${longestStageHours} h: one that is about ${gain} pp better passes in ${planned.maximumHours} h; more robots, more episodes or a wider margin change that`,
      );
      return stage;
    }
    const hours = Math.ceil(reserve * longer.hours);
    remarks.push(
      `${where} needs ${longer.hours} h for an equal candidate: it may take ${hours} h instead of ${planned.maximumHours}`,
    );
    return { ...stage, maximumHours: hours, smallFleetMaximumHours: hours };
  });
  return { limits: parseRolloutLimits({ ...limits, stages: changed }), remarks };
}
