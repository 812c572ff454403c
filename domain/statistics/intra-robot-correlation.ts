import { mean } from './moments.ts';

/**
 * How alike values of one robot are compared with values of different robots: the one-way analysis-of-variance estimator of the
 * intra-class correlation (Donner 1986), cut to [0, 1]. One list of values a robot; fewer than 2 robots, or no robot with two
 * values, give 0.
 */
export function intraRobotCorrelation(robots: readonly (readonly number[])[]): number {
  const groups = robots.filter(({ length }) => length > 0);
  const total = groups.reduce((sum, { length }) => sum + length, 0);
  const freeWithin = total - groups.length;
  if (groups.length < 2 || freeWithin < 1) return 0;
  const grand = groups.reduce((sum, group) => sum + group.reduce((own, value) => own + value, 0), 0) / total;
  let [between, within] = [0, 0];
  for (const group of groups) {
    const centre = mean(group) ?? 0;
    between += group.length * (centre - grand) ** 2;
    for (const value of group) within += (value - centre) ** 2;
  }
  const meanBetween = between / (groups.length - 1);
  const meanWithin = within / freeWithin;
  const squares = groups.reduce((sum, { length }) => sum + length * length, 0);
  const size = (total - squares / total) / (groups.length - 1);
  const spread = meanBetween + (size - 1) * meanWithin;
  return spread > 0 ? Math.min(1, Math.max(0, (meanBetween - meanWithin) / spread)) : 0;
}
