export { type Economics } from './economics.ts';
export {
  metricNames,
  metrics,
  metricsOf,
  type GroupFacts,
  type MetricName,
  type MetricUnit,
  type ToldLatency,
} from './definitions.ts';
export { differenceOf } from './difference.ts';
export { fractionOf, quantileRanks, type Metric, type RobotSums } from './metric.ts';
export { serviceSpans } from './service.ts';
export { activeStanding, operationalTask, taskStandings, type TaskStanding } from './task-standing.ts';
