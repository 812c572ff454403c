import { createHash, randomBytes } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { fileObjectStore } from '../../activities/adapters/file-object-store.ts';
import { openFileSigner } from '../../activities/adapters/file-signer.ts';
import type { ObjectStore } from '../../activities/ports.ts';
import { publishRobotType } from '../../activities/read-robot-type.ts';
import { moveAliases } from '../../activities/registry/aliases.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { registerModel } from '../../activities/registry/register-model.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { addRobot, newToken, tokenHash } from '../../fleet/desk/index.ts';

export const benchPolicy = 'bench';
const origin = { who: 'bench', why: 'bench' };
const root = fileURLToPath(new URL('../..', import.meta.url));

export interface BenchRobot {
  readonly robotId: string;
  readonly token: string;
}

export interface BenchFleet {
  readonly directory: string;
  readonly store: ObjectStore;
  readonly robots: readonly BenchRobot[];
  close(): Promise<void>;
}

/** A store in a temporary folder with one registered version, its champion, and robots with tokens. */
export async function openBenchFleet(robotCount: number): Promise<BenchFleet> {
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-bench-gateway-'));
  const store = fileObjectStore({ root: join(directory, 'store') });
  const signer = openFileSigner(join(directory, 'keys'));
  const { id, version } = scitosG5Type;
  const clock = Date.now;
  await publishRobotType(store, scitosG5Type);
  await createPolicyDocument(store, { policy: benchPolicy, robotType: { id, version } });
  const model = randomBytes(300_000);
  await store.put('incoming/model.onnx', model);
  const registered = await registerModel({ store, signer, clock, codeBuild: 'bench' })({
    policy: benchPolicy,
    robotType: { id, version, digest: robotTypeDigest(scitosG5Type) },
    parents: [],
    training: null,
    operationId: 'bench',
    change: 'minor',
    sources: { 'model.onnx': 'incoming/model.onnx' },
    modelSha256: createHash('sha256').update(model).digest('hex'),
    gates: [],
    metrics: {},
  });
  const move = { policy: benchPolicy, operationId: 'bench', ...origin };
  await moveAliases({ store, clock }, move, () => ({ champion: registered.version, baseline: registered.version }));
  const robots: BenchRobot[] = [];
  for (let index = 0; index < robotCount; index++) {
    const robotId = `robot-${String(index).padStart(4, '0')}`;
    const token = newToken(robotId, randomBytes);
    const place = { policy: benchPolicy, robotType: { id, version }, site: 'bench', stratum: 'bench' };
    await addRobot({ store, clock }, { robotId, ...place, ...origin, tokenHashes: [tokenHash(token)] });
    robots.push({ robotId, token });
  }
  return { directory, store, robots, close: () => rm(directory, { recursive: true, force: true }) };
}

export interface ServerProcess {
  readonly url: string;
  stop(): Promise<void>;
}

/** A gateway on the store as its own process. */
export const startBenchGateway = (
  directory: string,
  more: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> =>
  startServerProcess(join(root, 'fleet/gateway/main.ts'), {
    FLYWHEEL_STORE: join(directory, 'store'),
    FLYWHEEL_SCRATCH: join(directory, 'scratch'),
    FLYWHEEL_LOG_LEVEL: 'error',
    FLYWHEEL_GATEWAY_ID: 'bench',
    FLYWHEEL_GATEWAY_PORT: '0',
    ...more,
  });

/** Starts a script that says `{url}` to its parent once it listens, and stops it with SIGTERM. */
export async function startServerProcess(
  script: string,
  environment: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', script], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const url = await Promise.race([listening(child), ended(child)]);
  return {
    url,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function listening(child: ChildProcess): Promise<string> {
  const [message] = (await once(child, 'message')) as [{ url: string }];
  return message.url;
}

async function ended(child: ChildProcess): Promise<never> {
  const [code] = (await once(child, 'exit')) as [number | null];
  throw new Error(`expected a server process, got one that ended with code ${code ?? 'none'}`);
}
