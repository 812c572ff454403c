import type { FastifyRequest } from 'fastify';

import type { RobotRecord } from '../desk/robots.ts';

interface Admitted {
  readonly robot: RobotRecord;
  readonly again: () => Promise<RobotRecord>;
}

const admitted = new WeakMap<FastifyRequest, Admitted>();

/** Notes whose request it is; `again` asks anew whether it still may. */
export const noteRobot = (request: FastifyRequest, robot: RobotRecord, again: () => Promise<RobotRecord>): void =>
  void admitted.set(request, { robot, again });

/** The robot that was authenticated for this request, before any route ran. */
export const robotOf = (request: FastifyRequest): RobotRecord => admittedOf(request).robot;

/** For a request that waited: the robot as it is now; `unauthorized` when its token was taken away meanwhile. */
export const robotAgain = (request: FastifyRequest): Promise<RobotRecord> => admittedOf(request).again();

/** False until a robot was authenticated for this request. */
export const isOfRobot = (request: FastifyRequest): boolean => admitted.has(request);

function admittedOf(request: FastifyRequest): Admitted {
  const found = admitted.get(request);
  if (found === undefined) throw new Error('expected an authenticated request');
  return found;
}
