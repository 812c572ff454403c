export type { Agent, AgentOptions, AgentStatus } from './agent-api.ts';
export { agentVersion } from './agent-version.ts';
export { openAgent } from './agent.ts';
export type { Frame } from './recording/episode-recorder.ts';
export { killPoints, type AtPoint, type KillPoint } from './local/kill-points.ts';
export { defaultLimits, type AgentLimits } from './limits.ts';
export type { Decision, PolicyRuntime, PolicySession } from './versions/policy-runtime.ts';
export type { ActivePolicy } from './versions/keeper-state.ts';
