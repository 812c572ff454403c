import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { toolForTest } from './tool.ts';

const startAttempts = 3;
const startLimitMs = 30_000;

export interface S3Server {
  /** What `s3ObjectStore` needs besides a bucket and a cache folder. */
  readonly connection: {
    readonly endpoint: string;
    readonly isPathStyle: true;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  readonly port: number;
  /** Each bucket is a folder: no request needed. */
  makeBucket(name: string): Promise<string>;
  /** Each object is a file: empty ones, a thousand in the time of a few requests. */
  makeEmpty(bucket: string, keys: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A real S3 server (versitygw) on a free port of this machine, over a temporary folder; `stop` ends it and removes the folder.
 * The folder's file system must know extended attributes.
 */
export async function startS3Server(context: Mocha.Context): Promise<S3Server> {
  const program = await toolForTest(context, 'versitygw');
  const folder = await mkdtemp(join(tmpdir(), 'flywheel-s3-'));
  const buckets = join(folder, 'buckets');
  await mkdir(buckets);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const server = start(program, port, buckets);
    if (await answers(server.child, port)) {
      return {
        connection: {
          endpoint: `http://127.0.0.1:${port}`,
          isPathStyle: true,
          credentials: { accessKeyId: 'flywheel', secretAccessKey: 'flywheel-test' },
        },
        port,
        async makeBucket(name) {
          await mkdir(join(buckets, name), { recursive: true });
          return name;
        },
        async makeEmpty(bucket, keys) {
          for (const directory of new Set(keys.map((key) => dirname(join(buckets, bucket, key)))))
            await mkdir(directory, { recursive: true });
          await Promise.all(keys.map((key) => writeFile(join(buckets, bucket, key), '')));
        },
        async stop() {
          await end(server.child);
          await rm(folder, { recursive: true, force: true });
        },
      };
    }
    await end(server.child);
    // Somebody may have taken the port between the asking and the start.
    if (attempt >= startAttempts) throw new Error(`expected ${program} to answer, got:\n${server.output()}`);
  }
}

function start(program: string, port: number, buckets: string) {
  const options = ['--access', 'flywheel', '--secret', 'flywheel-test', '--port', `127.0.0.1:${port}`];
  const child = spawn(program, [...options, '--health', '/health', '--quiet', 'posix', buckets], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const keep = (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-4_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const killOnExit = () => child.kill('SIGKILL');
  process.once('exit', killOnExit);
  child.once('exit', () => process.off('exit', killOnExit));
  return { child, output: () => said };
}

async function answers(child: ChildProcess, port: number): Promise<boolean> {
  const untilMs = performance.now() + startLimitMs;
  while (performance.now() < untilMs && child.exitCode === null) {
    const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (response?.ok === true) return true;
    await sleep(50);
  }
  return false;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('expected a port of this machine');
  return address.port;
}
