import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import type { FastifyRequest } from 'fastify';

import { policyNameSchema, policyVersionSchema, robotIdSchema, sha256Schema } from '../protocol/index.ts';
import { claimedRobotId, isTokenOf } from '../desk/robot-tokens.ts';
import type { RobotRecord } from '../desk/robots.ts';
import type { RobotDirectory } from './robot-directory.ts';
import { WireError } from './wire-error.ts';

/** What a path may hold; whoever asks for something else is told before any token is looked at. */
const pathSchemas = {
  id: robotIdSchema,
  sha256: sha256Schema,
  policy: policyNameSchema,
  version: policyVersionSchema,
} as const;

export function checkPath(params: Readonly<Record<string, string>>): void {
  for (const [name, schema] of Object.entries(pathSchemas)) {
    const parsed = params[name] === undefined ? undefined : schema.safeParse(params[name]);
    if (parsed?.success === false)
      throw new WireError('malformed', parsed.error.issues[0]?.message ?? `expected another ${name}`);
  }
}

/**
 * The robot whose token (and, with mutual TLS, certificate) came with the request. `unauthorized` for a wrong, revoked or
 * missing one; `forbidden` for a right one on another robot's path or another policy's models.
 */
export async function authenticate(
  request: FastifyRequest,
  params: Readonly<Record<string, string>>,
  ports: { readonly robots: RobotDirectory; readonly isTlsMutual: boolean },
): Promise<RobotRecord> {
  const token = /^Bearer (\S{1,200})$/i.exec(request.headers.authorization ?? '')?.[1];
  const robotId = token === undefined ? undefined : claimedRobotId(token);
  const robot = robotId === undefined ? undefined : await ports.robots.find(robotId);
  if (token === undefined || robot === undefined || !isTokenOf(token, robot.tokenHashes))
    throw new WireError('unauthorized', 'expected the bearer token of a registered robot');
  if (ports.isTlsMutual && certifiedName(request.socket) !== robot.robotId)
    throw new WireError('forbidden', 'expected a client certificate with the robot id as its common name');
  if (params['id'] !== undefined && params['id'] !== robot.robotId)
    throw new WireError('forbidden', 'expected the path of the robot whose token this is');
  if (params['policy'] !== undefined && params['policy'] !== robot.policy)
    throw new WireError('forbidden', 'expected the policy of the robot whose token this is');
  return robot;
}

function certifiedName(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === 'string' ? name : undefined;
}
