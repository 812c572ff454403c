import type { FastifyRequest } from 'fastify';

import { wireHeaders } from '../protocol/index.ts';
import type { RobotRecord } from '../desk/robots.ts';

/**
 * Whose version a robot speaks of: its policy's, or that of one it was moved out of, whose version it still runs or whose outcomes were
 * waiting on its disk. What else it may claim is its policy's: no robot reports to a policy that it never had.
 */
export function spokenPolicy({ headers }: Pick<FastifyRequest, 'headers'>, robot: RobotRecord): string {
  const said = headers[wireHeaders.policy];
  return robot.moves?.find(({ from }) => from === said)?.from ?? robot.policy;
}
