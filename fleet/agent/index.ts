export { openAgent, agentVersion, type Agent, type AgentOptions, type AgentStatus } from './agent.ts';
export type { Frame } from './episode-recorder.ts';
export { killPoints, type AtPoint, type KillPoint } from './kill-points.ts';
export { defaultLimits, type AgentLimits } from './limits.ts';
export type { Decision, PolicyRuntime, PolicySession } from './policy-runtime.ts';
export type { ActivePolicy } from './steward.ts';
