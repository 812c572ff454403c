export type { Agent, AgentOptions } from './agent-api.ts';
export { openAgent } from './agent.ts';
export { killPoints, type KillPoint } from './local/kill-points.ts';
export { defaultLimits, type AgentLimits } from './limits.ts';
