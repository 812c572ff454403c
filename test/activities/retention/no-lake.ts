import type { Lake } from '../../../activities/lake/lake.ts';
import type { SqlEngine } from '../../../activities/ports/sql.ts';

const nobody = (what: string) =>
  new Proxy(
    {},
    { get: (_, name) => () => Promise.reject(new Error(`expected nobody to ask the ${what}, got ${String(name)}`)) },
  );

/** For sweeps by limits that keep frames for ever, of a store without a lake: nobody makes one then. */
const empty: Pick<Lake, 'storedFiles' | 'vacuum'> = {
  storedFiles: () => Promise.resolve([]),
  vacuum: () => Promise.resolve({ files: 0, bytes: 0, pinnedFiles: 0 }),
};
export const laterLake = {
  ...empty,
  currentVersion: () => Promise.reject(new Error('expected nobody to ask for a version')),
} as unknown as Lake;
export const laterEngine = nobody('engine') as unknown as SqlEngine;
