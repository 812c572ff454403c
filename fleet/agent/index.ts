export type { Agent, AgentOptions } from './agent-api.ts';
export { openAgent } from './agent.ts';
export { UnknownTask } from './versions/policy-runtime.ts';
export { imageKillPoints, killPoints, type KillPoint } from './local/kill-points.ts';
export { defaultLimits, type AgentLimits } from './limits.ts';
