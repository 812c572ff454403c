import type { FastifyInstance, FastifyRequest } from 'fastify';

import { claimedOperator, mayAct, type Operator, type OperatorRole } from '../fleet/desk/operators.ts';
import { isTokenOf } from '../fleet/desk/robot-tokens.ts';
import type { ConsoleContext } from './context.ts';
import { hasCsrf, type BrowserSession } from './oidc/sessions.ts';
import { ConsoleError } from './errors.ts';
import { RateLimit } from './rate-limit.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Open to whoever reaches the port; says nothing of the fleet. */
    isOpen?: boolean;
    /** Least role; default: viewer. */
    role?: OperatorRole;
  }
}

const leastRole: OperatorRole = 'viewer';

/** Who asks, whichever way: by token, or by a session of a browser. */
export type Caller = Pick<Operator, 'name' | 'role'> & { readonly session?: BrowserSession };

const callerOf = new WeakMap<FastifyRequest, Caller>();

/** Who asks; only where the route is not open. */
export function requestOperator(request: FastifyRequest): Caller {
  const operator = callerOf.get(request);
  if (operator === undefined) throw new ConsoleError('unauthenticated', tokenWanted);
  return operator;
}

/** The session of the browser that asks; undefined: it asks by token. */
export const requestSession = (request: FastifyRequest): BrowserSession | undefined => requestOperator(request).session;

const tokenWanted = 'expected the bearer token of an operator; `flywheel operators add` makes one';

/**
 * Lets in who has a token, or a session by an identity provider, and the role, and no more of them than the console can serve. A token comes in a header that no
 * page of another origin can send. A session comes in a cookie: an act by it needs a header that only its own pages know, too.
 */
export function guard(app: FastifyInstance, context: ConsoleContext): void {
  const { monotonicMs } = context;
  const asked = new RateLimit({ burst: 100, perSecond: 20, monotonicMs });
  const failed = new RateLimit({ burst: 20, perSecond: 0.2, monotonicMs });
  const acted = new RateLimit({ burst: 10, perSecond: 0.5, monotonicMs });
  app.addHook('onRequest', async (request) => {
    const { isOpen, role = leastRole } = request.routeOptions.config;
    if (isOpen === true) return;
    const operator = await authenticate(request, context);
    if (operator === undefined) {
      limited(failed.take(request.ip));
      throw new ConsoleError('unauthenticated', tokenWanted);
    }
    limited(asked.take(operator.name));
    requireRole(operator, role);
    callerOf.set(request, isAct(request) ? await letAct(request, role) : operator);
  });

  /** Who acts must be there now, not two seconds ago, and sits at a page of ours or at a program. */
  async function letAct(request: FastifyRequest, role: OperatorRole): Promise<Caller> {
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin')
      throw new ConsoleError('forbidden', 'expected a request of this console’s own pages, got one of another site');
    const operator = await authenticate(request, context, 'now');
    if (operator === undefined) throw new ConsoleError('unauthenticated', tokenWanted);
    requireRole(operator, role);
    if (operator.session !== undefined) requireOwnPage(request, operator.session, context);
    limited(acted.take(operator.name));
    return operator;
  }

  app.addHook('onSend', async (_, reply) => {
    void reply.headers(safeHeaders);
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
  });
}

const isAct = ({ method }: FastifyRequest): boolean => method !== 'GET' && method !== 'HEAD';

/** A cookie goes with whatever a browser sends: that a page of ours sent it must be seen by something else. */
function requireOwnPage({ headers }: FastifyRequest, session: BrowserSession, { oidc }: ConsoleContext): void {
  const own = oidc === undefined ? undefined : new URL(oidc.settings.publicUrl).origin;
  const isOwn = headers['sec-fetch-site'] === 'same-origin' || (headers.origin !== undefined && headers.origin === own);
  if (!isOwn || !hasCsrf(session, headers['flywheel-csrf']))
    throw new ConsoleError('forbidden', 'expected a request of this console’s own pages, got another one');
}

function requireRole({ role }: Caller, least: OperatorRole): void {
  if (!mayAct(role, least)) throw new ConsoleError('forbidden', `expected the role ${least}, got ${role}`);
}

function limited(waitMs: number): void {
  if (waitMs > 0) throw new ConsoleError('tooMany', 'too many requests; try again later', { retryAfterMs: waitMs });
}

/** Whether who asked would be let in now as well: not removed, with the same token and the role. Not, where nobody can tell. */
export async function isStillLetIn(request: FastifyRequest, context: ConsoleContext): Promise<boolean> {
  const operator = await authenticate(request, context).catch(() => undefined);
  return operator !== undefined && mayAct(operator.role, request.routeOptions.config.role ?? leastRole);
}

async function authenticate(
  request: FastifyRequest,
  { operators, oidc, signedIn }: ConsoleContext,
  asOf: 'lately' | 'now' = 'lately',
): Promise<Caller | undefined> {
  if (request.headers.authorization === undefined) {
    const session = oidc?.sessions.find(request.headers.cookie);
    if (session === undefined || !(await signedIn.isOpen(session, asOf))) return undefined;
    return { name: session.name, role: session.role, session };
  }
  const token = /^Bearer (\S{1,200})$/i.exec(request.headers.authorization ?? '')?.[1];
  const name = token === undefined ? undefined : claimedOperator(token);
  const operator =
    name === undefined ? undefined : await (asOf === 'now' ? operators.findNow(name) : operators.find(name));
  if (token === undefined || operator === undefined || !isTokenOf(token, [operator.tokenHash])) return undefined;
  return { name: operator.name, role: operator.role };
}

/** A page may run its own scripts and ask its own server, nothing else; nobody may frame it. */
export const safeHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;
