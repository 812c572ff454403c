import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { errorAnswerSchema, wirePaths } from '../../../fleet/protocol/index.ts';
import { heartbeat, openTestFleet, policy, post } from '../../support/gateway.ts';
import { seededRandom } from '../../support/generated-week/seeded-random.ts';
import { sendRaw } from '../../support/raw-http.ts';
import { hostileRequest, kindsOfHttp, type HostileRequest, type RouteAsked } from './hostile-http.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const child = join(root, 'test/support/children/run-gateway.ts');

/** The gateway's process may hold this much at any time of the attack. */
const maxRssMiB = 600;
/** No request waits longer for its end; slow bodies are ended after 2 s here. */
const endsWithinMs = 20_000;
const attackers = 24;
const robots = 3;
const heartbeatEveryMs = 200;

interface AttackOptions {
  readonly seed: number | string;
  readonly count: number;
  readonly report: (line: string) => void;
}

/**
 * Strangers and one hostile robot send `count` requests of every kind to a gateway in its own process. Throws when anything but
 * a clear refusal comes, when a connection hangs, when the process takes more memory than stated, or when honest robots are not
 * served meanwhile.
 */
export async function attack({ seed, count, report }: AttackOptions): Promise<void> {
  const fleet = await openTestFleet();
  const running = await startGateway(fleet.directory);
  try {
    await fleet.register(new Uint8Array(10_000).fill(7));
    const hostile = await fleet.addRobot('hostile');
    const honest = await Promise.all(
      Array.from({ length: robots }, async (_, index) => ({
        robotId: `r${index}`,
        token: await fleet.addRobot(`r${index}`),
      })),
    );
    const routes = await readRoutes(running.operationsUrl);
    const state = { sent: 0, worstRssMiB: 0, isOver: false };
    const watching = Promise.all([
      ...honest.map((robot) => beat(running.url, robot, state)),
      watchMemory(running.operationsUrl, state),
    ]).finally(() => (state.isOver = true));
    const statuses = new Map<number | undefined, number>();
    await Promise.all(
      Array.from({ length: attackers }, async (_, attacker) => {
        const random = seededRandom(`http/${seed}/${attacker}`);
        while (state.sent < count && !state.isOver) {
          state.sent += 1;
          if (state.sent % 10_000 === 0) report(`${state.sent} requests, ${state.worstRssMiB} MiB`);
          const request = hostileRequest(random, { routes, robotId: 'hostile', token: hostile });
          const status = await sendOne(running.url, request);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      }),
    ).finally(() => (state.isOver = true));
    const beats = await watching;
    const told = [...statuses].map(([status, times]) => `${status ?? 'closed'}: ${times}`).toSorted();
    report(`${state.sent} requests of ${kindsOfHttp.length} kinds; ${told.join(', ')}; ${state.worstRssMiB} MiB`);
    report(`${beats.reduce<number>((sum, served) => sum + served, 0)} heartbeats of ${robots} robots served`);
  } finally {
    await running.stop();
    await fleet.close();
  }
}

async function sendOne(url: string, request: HostileRequest): Promise<number | undefined> {
  const startMs = performance.now();
  const answer = await sendRaw(url, request.parts, { waitMs: request.givesUpAfterMs ?? endsWithinMs });
  const what = `${request.kind}: ${JSON.stringify(String(request.parts[0]).slice(0, 300))}`;
  if (request.givesUpAfterMs === undefined && performance.now() - startMs >= endsWithinMs)
    throw new Error(`a connection was held for ${endsWithinMs} ms by ${what}`);
  for (const { status, body } of answersIn(answer.text)) {
    const isRefusal = (status >= 400 && status < 500) || status === 503;
    if (!isRefusal) throw new Error(`got ${status} for ${what}: ${answer.text.slice(0, 500)}`);
    if (body !== undefined && !errorAnswerSchema.safeParse(parsed(body)).success)
      throw new Error(`got another form than the protocol's for ${what}: ${body.slice(0, 300)}`);
  }
  return answer.status;
}

/** Every answer in the text, with its body when that came whole; those to HEAD have none. */
function answersIn(text: string): readonly { status: number; body: string | undefined }[] {
  const answers: { status: number; body: string | undefined }[] = [];
  for (let rest = text; ;) {
    const head = /^HTTP\/1\.1 (\d{3})[^\r]*\r\n([\s\S]*?)\r\n\r\n/.exec(rest);
    if (head === null) return answers;
    rest = rest.slice(head[0].length);
    const status = Number(head[1]);
    if (status === 100) continue;
    const length = Number(/^content-length: (\d+)/im.exec(head[2] ?? '')?.[1] ?? 0);
    const isWhole = rest.length >= length && !rest.startsWith('HTTP/1.1 ');
    answers.push({ status, body: isWhole && length > 0 ? rest.slice(0, length) : undefined });
    if (isWhole) rest = rest.slice(length);
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(Buffer.from(body, 'latin1').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Heartbeats until the attack is over; how many were served. Throws when one was not. */
async function beat(
  url: string,
  { robotId, token }: { readonly robotId: string; readonly token: string },
  state: { isOver: boolean },
): Promise<number> {
  let served = 0;
  for (; !state.isOver; served += 1) {
    const response = await post(url + wirePaths.heartbeat(robotId), token, heartbeat());
    if (response.status !== 200)
      throw new Error(
        `expected the heartbeats of ${robotId} to be served, got ${response.status}: ${await response.text()}`,
      );
    await response.arrayBuffer();
    await new Promise((resolve) => setTimeout(resolve, heartbeatEveryMs));
  }
  return served;
}

async function watchMemory(operationsUrl: string, state: { isOver: boolean; worstRssMiB: number }): Promise<number> {
  while (!state.isOver) {
    const metrics = await (await fetch(`${operationsUrl}/metrics`)).text();
    const bytes = Number(/^process_resident_memory_bytes (\d+)/m.exec(metrics)?.[1]);
    state.worstRssMiB = Math.max(state.worstRssMiB, Math.round(bytes / 1024 / 1024));
    if (!(state.worstRssMiB <= maxRssMiB))
      throw new Error(`expected at most ${maxRssMiB} MiB, got ${state.worstRssMiB}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return 0;
}

/** Every route of the gateway's own document, but the open ones. */
async function readRoutes(operationsUrl: string): Promise<readonly RouteAsked[]> {
  const { paths } = (await (await fetch(`${operationsUrl}/documentation/json`)).json()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  return Object.entries(paths)
    .filter(([url]) => url.startsWith('/v1/'))
    .flatMap(([url, methods]) =>
      Object.keys(methods).map((method) => ({
        method: method.toUpperCase(),
        path: url
          .replace('{id}', 'r0')
          .replace('{sha256}', 'a'.repeat(64))
          .replace('{policy}', policy)
          .replace('{version}', '1.0.0')
          .replace('{file}', 'model.onnx'),
      })),
    );
}

async function startGateway(directory: string) {
  const gateway = spawn(process.execPath, [child], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      FLYWHEEL_STORE: join(directory, 'store'),
      FLYWHEEL_SCRATCH: join(directory, 'scratch-attacked'),
      FLYWHEEL_LOG_LEVEL: 'fatal',
      FLYWHEEL_GATEWAY_ID: 'attacked',
      FLYWHEEL_GATEWAY_PORT: '0',
      FLYWHEEL_GATEWAY_BODY_GRACE_MS: '2000',
    },
  });
  const [message] = (await once(gateway, 'message')) as [{ url: string; operationsUrl: string }];
  return {
    ...message,
    async stop() {
      if (gateway.exitCode !== null || gateway.signalCode !== null)
        throw new Error(`expected the gateway to outlive the attack, got code ${gateway.exitCode ?? 'none'}`);
      const exited = once(gateway, 'exit');
      gateway.kill('SIGKILL');
      await exited;
    },
  };
}
