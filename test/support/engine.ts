import { tmpdir } from 'node:os';
import path from 'node:path';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import type { SqlEngine } from '../../activities/ports/sql.ts';

const engines = new Map<number, SqlEngine>();

/** The SQL engine of tests that ask nothing special of theirs: one a process, so that instances are not made for each world. */
export function sharedEngine(threads: number): SqlEngine {
  const temporaryDirectory = path.join(tmpdir(), 'flywheel-spill');
  const engine = engines.get(threads) ?? duckDbEngine({ temporaryDirectory, threads, memoryLimitMiB: 512 });
  engines.set(threads, engine);
  return engine;
}
