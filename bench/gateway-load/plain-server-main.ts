import { randomUUID } from 'node:crypto';
import { createWriteStream, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** The reference of the upload benchmark: plain Node that writes what it receives to a file, and nothing else. */
const folder = process.env['PLAIN_SERVER_FOLDER'] ?? '';
mkdirSync(folder, { recursive: true });

const server = createServer((request, response) => {
  pipeline(request, createWriteStream(join(folder, randomUUID()))).then(
    () => response.writeHead(201).end(),
    (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
  );
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address !== 'string') process.send?.({ url: `http://127.0.0.1:${address.port}` });
});
process.once('SIGTERM', () => {
  server.closeAllConnections();
  server.close();
  process.disconnect();
});
