export { abTest } from './ab-test.ts';
export { collectExperience } from './collect-experience.ts';
export { releaseQuarantine } from './release-quarantine.ts';
export { rollbackPolicy } from './rollback-policy.ts';
export { rolloutPolicy } from './rollout-policy.ts';
export { trainPolicy } from './train-policy.ts';
export { trialPolicy } from './trial-policy.ts';
export { weeklyCycle } from './weekly-cycle.ts';
