import { isStillLetIn, requestOperator, safeHeaders } from '../access.ts';
import { ConsoleError, errors } from '../errors.ts';
import { policyQuery, requirePolicy, security, type Routes } from './shared.ts';

const defaultBeatMs = 15_000;
const mostStreams = 200;
const mostOfAnOperator = 10;

/**
 * Changes as server-sent events: `event: change` with topic and policy, and a comment every 15 s, by which a page knows that the console is there. They
 * carry no content: a page reads anew what it shows, with its own rights. At each beat who listens must still be let in. Where the store does not
 * answer nobody is: the page asks again.
 */
export const eventRoutes: Routes = (context) => async (app) => {
  const { watch, beatMs = defaultBeatMs } = context;
  const streams = new Map<string, number>();
  const note = (name: string, change: 1 | -1): void => {
    const count = (streams.get(name) ?? 0) + change;
    if (count > 0) streams.set(name, count);
    else streams.delete(name);
  };
  app.route({
    method: 'GET',
    url: '/api/v1/events',
    schema: { summary: 'Changes as server-sent events', security, querystring: policyQuery, response: errors },
    handler: async (request, reply) => {
      const { policy } = request.query;
      const { name } = requestOperator(request);
      await requirePolicy(context, policy);
      const { raw } = reply;
      // Who left meanwhile has told so already: nothing would ever end the stream.
      if (raw.destroyed) return void reply.hijack();
      if (watch.size >= mostStreams || (streams.get(name) ?? 0) >= mostOfAnOperator)
        throw new ConsoleError('tooMany', 'too many pages listen', { retryAfterMs: 10_000 });
      reply.hijack();
      // A page that does not read is cut off: it reads anew when it comes back.
      const write = (text: string): void => void (raw.writableLength > 65_536 ? raw.destroy() : raw.write(text));
      const beatOnce = async (): Promise<void> => {
        if (await isStillLetIn(request, context)) write(': here\n\n');
        else raw.destroy();
      };
      const beat = setInterval(() => void beatOnce(), beatMs).unref();
      const stop = watch.listen(policy, (change) => write(`event: change\ndata: ${JSON.stringify(change)}\n\n`));
      note(name, 1);
      raw.once('close', () => {
        clearInterval(beat);
        stop();
        note(name, -1);
      });
      raw.writeHead(200, {
        ...safeHeaders,
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
      });
      write(': here\n\n');
    },
  });
};
