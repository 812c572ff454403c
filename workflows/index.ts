export { collectExperience } from './collect-experience.ts';
export { releaseQuarantine } from './release-quarantine.ts';
export { trainPolicy } from './train-policy.ts';
export { weeklyCycle } from './weekly-cycle.ts';
