import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { ConsoleError } from './errors.ts';

/** Where `npm run dashboard` puts the built pages. */
export const builtPages = path.join(import.meta.dirname, '..', 'dashboard', 'dist');

interface BuiltFile {
  readonly bytes: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** What a build consists of; any other file is served to nobody. */
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const notBuilt = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Flywheel console: pages are not built</title></head>
<body>
<h1>The pages are not built yet</h1>
<p>Run <code>npm run dashboard</code> in the folder of Flywheel (seconds), then load this page again. The console need not be started anew.</p>
<p>The API answers already: <a href="/api/v1/openapi.json">/api/v1/openapi.json</a> describes it.</p>
</body>
</html>
`;

/**
 * The built pages, held in memory by their names: what a request names is looked up among them and never on the disk. Read anew after another build,
 * when the start page is next asked for.
 */
class BuiltPages {
  readonly #directory: string;
  #files: ReadonlyMap<string, BuiltFile> = new Map();
  #builtMs: number | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** undefined: there is no build. */
  async start(): Promise<BuiltFile | undefined> {
    const builtMs = await modifiedMs(path.join(this.#directory, 'index.html'));
    if (builtMs !== this.#builtMs) {
      this.#files = builtMs === undefined ? new Map() : await readBuild(this.#directory);
      this.#builtMs = builtMs;
    }
    return this.#files.get('index.html');
  }

  async asset(name: string): Promise<BuiltFile | undefined> {
    if (this.#builtMs === undefined) await this.start();
    return this.#files.get(`assets/${name}`);
  }
}

async function modifiedMs(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Files of a build, and none that a link leads to. */
async function readBuild(directory: string): Promise<ReadonlyMap<string, BuiltFile>> {
  const files = new Map<string, BuiltFile>();
  for (const folder of ['', 'assets'])
    for (const entry of await readdir(path.join(directory, folder), { withFileTypes: true })) {
      const type = types[path.extname(entry.name)];
      if (!entry.isFile() || type === undefined) continue;
      const bytes = await readFile(path.join(directory, folder, entry.name));
      const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`;
      files.set(path.posix.join(folder, entry.name), { bytes, type, etag });
    }
  return files;
}

const html = (reply: FastifyReply) => reply.type(types['.html'] ?? '');

/** The pages for people. They are the same for everybody and say nothing of a fleet: what they show they ask for with a token. */
export const pageRoutes =
  (directory: string): FastifyPluginAsyncZod =>
  async (app) => {
    const pages = new BuiltPages(directory);
    const open = { config: { isOpen: true }, method: ['GET', 'HEAD'] };
    app.route({
      ...open,
      url: '/',
      schema: { hide: true },
      handler: async (request, reply) => {
        const page = await pages.start();
        if (page === undefined) return html(reply.code(503)).send(notBuilt);
        void reply.headers({ 'cache-control': 'no-cache', etag: page.etag });
        if (request.headers['if-none-match'] === page.etag) return reply.code(304).send();
        return html(reply).send(page.bytes);
      },
    });
    app.route({
      ...open,
      url: '/assets/:name',
      schema: { hide: true, params: z.object({ name: z.string() }) },
      handler: async ({ params: { name } }, reply) => {
        const file = await pages.asset(name);
        if (file === undefined) throw new ConsoleError('notFound', 'expected a file of the built pages');
        // Its name has a hash of what it holds.
        void reply.headers({ 'cache-control': 'public, max-age=31536000, immutable', etag: file.etag });
        return reply.type(file.type).send(file.bytes);
      },
    });
  };
