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
export { quantileRanks, type Metric, type RobotSums } from './metric.ts';
export { serviceSpans } from './service.ts';
