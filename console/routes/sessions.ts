import { z } from 'zod';

import { mayAct } from '../../fleet/desk/operators.ts';
import { openConsoleSessions, readConsoleSession } from '../../store/records/console-sessions.ts';
import { requestOperator, type Caller } from '../access.ts';
import { sessionsSchema } from '../answers/sessions.ts';
import { ConsoleError } from '../errors.ts';
import { actBodyLimit as bodyLimit, described200, keyOf, reason } from './act-request.ts';
import { described, type Routes } from './shared.ts';

const sessionName = z.string().regex(/^[0-9a-f]{24}$/, 'expected the id of a session');

/** Browsers that are signed in, and ending one before its time. */
export const sessionRoutes: Routes = (context) => async (app) => {
  const { store, clock, oidc } = context;
  app.route({
    method: 'GET',
    url: '/api/v1/sessions',
    schema: described('Browsers that are signed in: of an admin all, of others their own', sessionsSchema),
    handler: async (request) => {
      const caller = requestOperator(request);
      const keys: string[] = [];
      const open = await openConsoleSessions(store, clock(), ({ key }) => void keys.push(key));
      const items = open
        .filter(({ name }) => isTheirs(caller, name))
        .map((one) => ({ ...one, isThis: one.sessionId === caller.session?.sessionId }));
      return { readAtMs: clock(), damaged: keys, items, hasProvider: oidc !== undefined };
    },
  });

  app.route({
    method: 'POST',
    url: '/api/v1/sessions/:sessionId/end',
    bodyLimit,
    schema: {
      params: z.object({ sessionId: sessionName }),
      body: z.strictObject({ reason }),
      ...described200('End the session of a browser before its time: of an admin any, of others their own'),
    },
    handler: async (request) => {
      const caller = requestOperator(request);
      const { sessionId } = request.params;
      const { name } = await readConsoleSession(store, sessionId);
      // As if it were not there: what others have is not told.
      if (!isTheirs(caller, name)) throw new ConsoleError('notFound', 'there is no such session of yours');
      const asked = { act: 'session.end', policy: null, subject: `${name} ${sessionId}`, reason: request.body.reason };
      return context.acting.carryOut(caller, keyOf(request), asked, async ({ who }) => {
        await context.signedIn.end(sessionId, { who, why: asked.reason });
        return `the session of ${name} is over: no console lets it in any more`;
      });
    },
  });
};

const isTheirs = (caller: Caller, name: string): boolean => name === caller.name || mayAct(caller.role, 'admin');
