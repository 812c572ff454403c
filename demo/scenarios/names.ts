/** Names of the scenarios, apart from what plays them: the command line is checked before anything is installed. */
export const scenarioNames = [
  'flywheel',
  'bad-model',
  'broken-robot',
  'offline-robots',
  'corrupt-data',
  'no-improvement',
  'orchestrator-down',
  'superseded',
  'rollback-during-trial',
  'new-task',
  'new-body',
  'robot-life',
  'camera',
  'arm',
  'arm-camera',
] as const;
export type ScenarioName = (typeof scenarioNames)[number];
export const isScenarioName = (name: string): name is ScenarioName => scenarioNames.some((known) => known === name);
