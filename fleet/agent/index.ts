export type { Agent, AgentOptions } from './agent-api.ts';
export { openAgent } from './agent.ts';
export type { ClipMaker } from './images/clip-maker.ts';
export { makeJpegClip, type ToJpeg } from './images/jpeg-clip.ts';
export { fedPicture } from './versions/robot-images.ts';
export type { PictureFeed, RobotImage, RobotImages, UnscaledImage } from './versions/robot-images.ts';
export { UnknownTask, type PolicySession, type SeeingResults } from './versions/policy-runtime.ts';
export { imageKillPoints, killPoints, type KillPoint } from './local/kill-points.ts';
export { defaultLimits, type AgentLimits } from './limits.ts';
