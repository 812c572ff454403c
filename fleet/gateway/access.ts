import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';

import { gatewayKnows, wireHeaders } from '../protocol/index.ts';
import { addressShare } from './addresses.ts';
import { authenticate, checkPath } from './authenticate.ts';
import type { GatewayContext } from './context.ts';
import { noteRobot } from './request-robot.ts';
import { UsageLimiter } from './robot-limits.ts';
import type { UnprovenSockets } from './unproven-sockets.ts';
import { WireError } from './wire-error.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whoever reaches the port may ask. A route that does not say so needs a robot's token. */
    isOpen?: boolean;
  }
}

/** A route as the router knows it, and whether it is served without a token. */
export interface ServedRoute {
  readonly method: HTTPMethods;
  readonly url: string;
  readonly isOpen: boolean;
}

/** The list of every route that is added from now on; complete once the server is ready. */
export function collectRoutes(app: FastifyInstance): readonly ServedRoute[] {
  const routes: ServedRoute[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    for (const one of [method].flat()) routes.push({ method: one, url, isOpen: config?.isOpen === true });
  });
  return routes;
}

/** Of one address, over all requests that show no good token. */
const strangerLimits = {
  requestsPerSecond: 20,
  burstRequests: 50,
  maxConcurrentRequests: 1_000,
  maxConnections: 1_000,
};

/** Slows down who shows no good token, by address; robots behind one address with good tokens do not feel it. */
export class Strangers {
  readonly #limiter: UsageLimiter;

  constructor(monotonicMs: () => number) {
    this.#limiter = new UsageLimiter(strangerLimits, monotonicMs);
  }

  /** The error to answer: `refusal`, or `tooManyRequests` beyond the address's share. */
  refuse({ ip, socket }: FastifyRequest, refusal: WireError): WireError {
    try {
      this.#limiter.admit(addressShare(ip), socket)();
      return refusal;
    } catch (error) {
      if (error instanceof WireError) return error;
      throw error;
    }
  }
}

/**
 * Lets a request pass to the route that the router found for it, however its path was written: what is asked is who may use
 * that route, never how the request spells it. Everything needs a robot's token, paths that lead nowhere included, but for
 * routes that are open. Path, token and share are checked before a body is read. Long polls wait without working, so they
 * have no part in the work limit.
 */
export function guard(
  app: FastifyInstance,
  context: GatewayContext,
  { strangers, unproven }: { readonly strangers: Strangers; readonly unproven: UnprovenSockets },
): void {
  const { settings, robots, monotonicMs, stopping } = context;
  const isTlsMutual = settings.tls?.clientCa !== undefined;
  const robotLimiter = new UsageLimiter(settings.robotLimits, monotonicMs);
  let working = 0;

  app.addHook('onRequest', async (request, reply) => {
    void reply.header(wireHeaders.gatewayId, settings.gatewayId);
    void reply.header(wireHeaders.knows, gatewayKnows);
    if (!request.is404 && request.routeOptions.config.isOpen === true) return;
    const params = (request.params ?? {}) as Readonly<Record<string, string>>;
    const ask = () => authenticate(request, params, { robots, isTlsMutual });
    let robot;
    try {
      if (request.is404) throw new WireError('notFound', 'expected a path of this API; see docs/gateway.md');
      checkPath(params);
      if (stopping.signal.aborted)
        throw new WireError('overloaded', 'this gateway is about to stop; use another', { retryAfterMs: 1_000 });
      if (working >= settings.maxConcurrentWork)
        throw new WireError('overloaded', 'the gateway is overloaded; try again later', { retryAfterMs: 2_000 });
      robot = await ask();
    } catch (error) {
      throw error instanceof WireError && error.status < 500 ? strangers.refuse(request, error) : error;
    }
    const ended = robotLimiter.admit(robot.robotId, request.socket);
    const isWork = request.routeOptions.url !== '/v1/robots/:id/desired';
    if (isWork) working += 1;
    reply.raw.once('close', () => {
      ended();
      if (isWork) working -= 1;
    });
    unproven.proved(request.socket);
    noteRobot(request, robot, ask);
    context.presence.see(robot);
  });
  context.metrics.gauge('flywheel_gateway_requests_running', () => working);
  context.metrics.gauge('flywheel_gateway_unproven_connections', () => unproven.size);
}
