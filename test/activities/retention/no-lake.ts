import type { Lake } from '../../../activities/lake/lake.ts';
import type { SqlEngine } from '../../../activities/ports/sql.ts';

const nobody = (what: string) =>
  new Proxy(
    {},
    { get: (_, name) => () => Promise.reject(new Error(`expected nobody to ask the ${what}, got ${String(name)}`)) },
  );

/** For sweeps by limits that keep frames for ever: the lake is not looked at then. */
export const laterLake = nobody('lake') as unknown as Lake;
export const laterEngine = nobody('engine') as unknown as SqlEngine;
