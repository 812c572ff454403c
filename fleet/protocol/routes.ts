/** Files of a policy version that the gateway serves, with Range, If-Range and ETag (sha256). */
export const modelFiles = ['model.onnx', 'manifest.json', 'golden.json', 'tasks.json', 'bodies.json'] as const;
export type ModelFile = (typeof modelFiles)[number];

/** Paths of the API. A robot's own paths need its own token; model files need the token of any robot of the policy. */
export const wirePaths = {
  handshake: (robotId: string): string => `/v1/robots/${robotId}/handshake`,
  heartbeat: (robotId: string): string => `/v1/robots/${robotId}/heartbeat`,
  telemetry: (robotId: string): string => `/v1/robots/${robotId}/telemetry`,
  desired: (robotId: string, waitMs: number): string => `/v1/robots/${robotId}/desired?waitMs=${waitMs}`,
  installReport: (robotId: string): string => `/v1/robots/${robotId}/install-report`,
  tasks: (robotId: string): string => `/v1/robots/${robotId}/tasks`,
  segment: (robotId: string, sha256: string): string => `/v1/robots/${robotId}/segments/${sha256}`,
  /** A clip of a camera, by the sha256 of its bytes; see `media.ts`. */
  media: (robotId: string, sha256: string): string => `/v1/robots/${robotId}/media/${sha256}`,
  mediaPart: (robotId: string, sha256: string, part: number): string =>
    `/v1/robots/${robotId}/media/${sha256}/parts/${part}`,
  model: (policy: string, version: string, file: ModelFile): string => `/v1/models/${policy}/${version}/${file}`,
  /** A root document, by its number; any robot's token opens it. */
  root: (version: number): string => `/v1/trust/roots/${version}`,
} as const;
