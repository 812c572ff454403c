import { z } from 'zod';

import {
  gatewayIdSchema,
  instantMsSchema,
  policyNameSchema,
  policyVersionSchema,
  robotIdSchema,
  sha256Schema,
  ulidSchema,
} from './identifiers.ts';
import { wireLimits } from './limits.ts';

/** `POST /v1/robots/:id/handshake`: first request of a life of an agent. May be repeated. */
export const handshakeRequestSchema = z.strictObject({
  protocolVersion: z.int().min(1).max(1_000),
  agentVersion: z.string().min(1).max(100),
  bootId: ulidSchema,
  /** Robot's wall clock when the request was sent. */
  clockMs: instantMsSchema,
  robotType: z.strictObject({ id: z.string().min(1).max(63), version: z.int().min(1), digest: sha256Schema }),
  /** Version on the robot now; null for none. */
  installedVersion: policyVersionSchema.nullable(),
});
export type HandshakeRequest = z.infer<typeof handshakeRequestSchema>;

/**
 * Skew = the middle of sending and receiving by the robot's clock, minus `clockMs`. The pinned key's id lets a robot with
 * another key say so at once.
 */
export const handshakeAnswerSchema = z.strictObject({
  protocolVersion: z.literal(wireLimits.protocolVersion),
  gatewayId: gatewayIdSchema,
  /** Gateway's wall clock when it answered. */
  clockMs: instantMsSchema,
  robotId: robotIdSchema,
  policy: policyNameSchema,
  site: z.string().min(1).max(63),
  heartbeatEveryMs: z.int().min(100).max(600_000),
  longPollMs: z.int().min(100).max(wireLimits.maxLongPollMs),
});
export type HandshakeAnswer = z.infer<typeof handshakeAnswerSchema>;
