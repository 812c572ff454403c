import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';

import { isFailure } from '../../store/failures.ts';
import { requestSession } from '../access.ts';
import { signInSchema } from '../answers/me.ts';
import type { ConsoleContext } from '../context.ts';
import { ConsoleError } from '../errors.ts';
import { RateLimit } from '../rate-limit.ts';
import { personOf } from './person.ts';

/** A page for who could not be signed in; it names no claim that came from outside. */
const refusedPage = (why: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Flywheel console: not signed in</title></head>
<body>
<h1>You could not be signed in</h1>
<p>${why}</p>
<p><a href="/">Back to the console</a></p>
</body>
</html>
`;
const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);

/** Of an error what may stand in a log: not the answer that it quotes, which has codes and claims. */
function told(error: unknown): { readonly code: string; readonly why: string } {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return { code: typeof code === 'string' ? code : 'unknown', why: typeof message === 'string' ? message : '' };
}

/** Signing in by an identity provider, where there is one. */
export const oidcRoutes =
  (context: ConsoleContext): FastifyPluginAsyncZod =>
  async (app) => {
    const { oidc, clock, monotonicMs } = context;
    const asked = new RateLimit({ burst: 20, perSecond: 0.5, monotonicMs });
    const limit = (ip: string): void => {
      const retryAfterMs = asked.take(ip);
      if (retryAfterMs > 0) throw new ConsoleError('tooMany', 'too many requests; try again later', { retryAfterMs });
    };
    app.route({
      method: 'GET',
      url: '/api/v1/sign-in',
      config: { isOpen: true },
      schema: { summary: 'How people sign in besides tokens; no token needed', response: { 200: signInSchema } },
      handler: async () => ({ readAtMs: clock(), oidc: oidc === undefined ? null : { label: oidc.settings.label } }),
    });
    if (oidc === undefined) return;
    const { provider, sessions, settings } = oidc;
    const open = { config: { isOpen: true }, schema: { hide: true } };

    app.get('/auth/sign-in', open, async (request, reply) => {
      limit(request.ip);
      const { url, signIn } = await provider.begin().catch((cause: unknown) => {
        request.log.warn(told(cause), 'the identity provider does not answer');
        throw new ConsoleError('storeUnavailable', 'the identity provider does not answer; try again later', { cause });
      });
      return reply.header('set-cookie', sessions.keepSignIn(signIn)).redirect(url, 302);
    });

    app.get('/auth/callback', open, async (request, reply) => {
      limit(request.ip);
      const refuse = (why: string) =>
        reply
          .header('set-cookie', sessions.forgetSignIn())
          .code(403)
          .type('text/html; charset=utf-8')
          .send(refusedPage(escaped(why)));
      const signIn = sessions.findSignIn(request.headers.cookie);
      if (signIn === undefined) return refuse('The sign-in took too long, or began in another browser. Try again.');
      try {
        const claims = await provider.finish(new URL(`${settings.publicUrl}${request.url}`), signIn);
        const person = personOf(claims, settings);
        if (person.kind === 'nobody') {
          request.log.warn({ why: person.why }, 'a person of the identity provider is not let in');
          return await refuse(`The identity provider knows you, but ${person.why}.`);
        }
        request.log.info({ who: person.name, role: person.role }, 'signed in');
        const { session, cookie } = sessions.begin(person);
        // One that is not noted could be ended by nobody.
        await context.signedIn.begin(session);
        return await reply
          .header('set-cookie', [cookie, sessions.forgetSignIn()])
          .redirect(`${settings.publicUrl}/`, 302);
      } catch (error) {
        if (isFailure(error, 'StoreUnavailable')) throw error;
        request.log.warn(told(error), 'an answer of the identity provider was refused');
        return refuse('The answer of the identity provider was refused. The log of the console says more.');
      }
    });

    app.post('/auth/sign-out', { schema: { hide: true } }, async (request, reply) => {
      const session = requestSession(request);
      if (session === undefined) throw new ConsoleError('malformed', 'expected a session of a browser');
      const { sessionId, name: who } = session;
      await context.signedIn.end(sessionId, { who, why: 'signed out' }).catch((error: unknown) =>
        // The browser forgets it all the same.
        request.log.warn({ err: error }, 'a session that was signed out could not be ended'),
      );
      return reply.header('set-cookie', sessions.end()).send({ readAtMs: clock() });
    });
  };
