import { randomBytes } from 'node:crypto';

import type { FastifyInstance } from 'fastify';
import pino from 'pino';

import { ActError } from '../../acts/act-error.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import type { ConsolePorts } from '../../console/context.ts';
import { ConsoleError } from '../../console/errors.ts';
import { buildConsole } from '../../console/server.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { addOperator, newOperatorToken, type OperatorRole } from '../../fleet/desk/operators.ts';
import { tokenHash } from '../../fleet/desk/robot-tokens.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { openFactWorld, policy, type FactWorld } from '../activities/facts/fact-world.ts';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface ConsoleWorld {
  readonly facts: FactWorld;
  readonly app: FastifyInstance;
  readonly ports: ConsolePorts;
  /** Of a viewer. */
  readonly token: string;
  monotonicMs: number;
  /** Tokens of more people. */
  add(name: string, role: OperatorRole): Promise<string>;
  get(url: string, token?: string | null): Promise<Answer>;
  /** Sends an act; `key` undefined: without one. */
  post(
    url: string,
    body: unknown,
    token: string,
    key?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** The same by a console on other ports. */
  on(changes: Partial<ConsolePorts>): Promise<FastifyInstance>;
  close(): Promise<void>;
}

/** No Temporal server answers, unless a test puts another in its place. */
export const noTemporal: ConsolePorts['loop'] = {
  trial: async () => unavailable(),
  trialSteps: async () => unavailable(),
  rollback: async () => unavailable(),
  cycle: async () => unavailable(),
  runningCycle: async () => unavailable(),
};
/** The same for who acts. */
export const noSteering: ConsolePorts['steer'] = {
  requireServer: async () => unreachable(),
  tellTrial: async () => unreachable(),
  orderRollback: async () => unreachable(),
  approveAnothers: async () => unreachable(),
  answerRollback: async () => unreachable(),
  acknowledge: async () => unreachable(),
  startCycle: async () => unreachable(),
  abortCycle: async () => unreachable(),
};
function unreachable(): never {
  throw new ActError('missing', 'the Temporal server does not answer; nothing was done: try again later');
}
function unavailable(): never {
  throw new ConsoleError('temporalUnavailable', 'the Temporal server does not answer; try again later');
}

export async function openConsoleWorld(): Promise<ConsoleWorld> {
  const facts = await openFactWorld();
  const { store } = facts;
  const clock = (): number => facts.nowMs;
  await publishRobotType(store, scitosG5Type);
  await createPolicyDocument(store, { policy, robotType: { id: scitosG5Type.id, version: scitosG5Type.version } });
  const state = { monotonicMs: 0 };
  const add = async (name: string, role: OperatorRole): Promise<string> => {
    const token = newOperatorToken(name, randomBytes);
    await addOperator({ store, clock }, { name, role, tokenHash: tokenHash(token), who: 't', why: 't' });
    // The directory is read anew.
    state.monotonicMs += 2_001;
    return token;
  };
  const token = await add('vera', 'viewer');
  const ports: ConsolePorts = {
    store,
    engine: facts.engine,
    facts: facts.facts,
    loop: noTemporal,
    steer: noSteering,
    clock,
    monotonicMs: () => state.monotonicMs,
    log: pino({ level: 'silent' }),
  };
  const apps: FastifyInstance[] = [];
  const on = async (changes: Partial<ConsolePorts>): Promise<FastifyInstance> => {
    const app = await buildConsole({ ...ports, ...changes });
    apps.push(app);
    return app;
  };
  const app = await on({});
  return {
    facts,
    app,
    ports,
    token,
    get monotonicMs() {
      return state.monotonicMs;
    },
    set monotonicMs(value) {
      state.monotonicMs = value;
    },
    add,
    get: (url, as = token) => ask(app, url, as),
    post: (url, body, as, key, headers = {}) => send(app, url, body, as, key, headers),
    on,
    async close() {
      for (const one of apps) await one.close();
      await facts.close();
    },
  };
}

export async function ask(app: FastifyInstance, url: string, token: string | null): Promise<Answer> {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const { statusCode, headers: answered, payload } = await app.inject({ method: 'GET', url, headers });
  return { status: statusCode, headers: answered, text: payload, body: JSON.parse(payload) as Record<string, unknown> };
}

export async function send(
  app: FastifyInstance,
  url: string,
  body: unknown,
  token: string,
  key?: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { statusCode, headers, payload } = await app.inject({
    method: 'POST',
    url,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...more,
    },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: statusCode, headers, text: payload, body: JSON.parse(payload) as Record<string, unknown> };
}
