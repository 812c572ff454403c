import type { FastifyRequest } from 'fastify';

import type { RobotRecord } from '../desk/robots.ts';

const robots = new WeakMap<FastifyRequest, RobotRecord>();

export const noteRobot = (request: FastifyRequest, robot: RobotRecord): void => void robots.set(request, robot);

/** The robot that was authenticated for this request, before any route ran. */
export function robotOf(request: FastifyRequest): RobotRecord {
  const robot = robots.get(request);
  if (robot === undefined) throw new Error('expected an authenticated request');
  return robot;
}

/** False until a robot was authenticated for this request. */
export const isOfRobot = (request: FastifyRequest): boolean => robots.has(request);
