import { safeHeaders } from '../access.ts';
import { ConsoleError, errors } from '../errors.ts';
import { policyQuery, requirePolicy, security, type Routes } from './shared.ts';

const beatMs = 15_000;
const mostListeners = 200;

/**
 * Changes as server-sent events: `event: change` with topic and policy, and a comment every 15 s, by which a page knows that the console is there. They
 * carry no content: a page reads anew what it shows, with its own rights.
 */
export const eventRoutes: Routes = (context) => async (app) => {
  app.route({
    method: 'GET',
    url: '/api/v1/events',
    schema: { summary: 'Changes as server-sent events', security, querystring: policyQuery, response: errors },
    handler: async (request, reply) => {
      const { policy } = request.query;
      await requirePolicy(context, policy);
      if (context.watch.size >= mostListeners)
        throw new ConsoleError('tooMany', 'too many pages listen', { retryAfterMs: 10_000 });
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        ...safeHeaders,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
      });
      raw.write(': here\n\n');
      // A page that does not read is cut off: it reads anew when it comes back.
      const write = (text: string): void => void (raw.writableLength > 65_536 ? raw.destroy() : raw.write(text));
      const beat = setInterval(() => write(': here\n\n'), beatMs).unref();
      const stop = context.watch.listen(policy, (change) =>
        write(`event: change\ndata: ${JSON.stringify(change)}\n\n`),
      );
      raw.once('close', () => {
        clearInterval(beat);
        stop();
      });
    },
  });
};
