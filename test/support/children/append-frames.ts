// One of several processes that append to the same lake: waits for its standard input to end, then commits.
// Arguments: root of the file store, staging folder, name of this writer, number of commits. Prints the versions it got.
import { once } from 'node:events';
import { join } from 'node:path';
import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { openLake } from '../../../activities/lake/lake.ts';
import { frames, transaction } from '../../activities/lake/lake-fixture.ts';

const [root = '', staging = '', writer = '0', commits = '0'] = process.argv.slice(2);
const engine = duckDbEngine({ temporaryDirectory: join(staging, 'spill'), threads: 1, memoryLimitMiB: 256 });
const lake = openLake({ store: fileObjectStore({ root }), engine, clock: Date.now, stagingDirectory: staging });
const session = await engine.open();
process.stdout.write('ready\n');
process.stdin.resume();
await once(process.stdin, 'end');
for (let turn = 0; turn < Number(commits); turn++) {
  const relation = frames((Number(writer) * 1_000 + turn) * 2, 2, 2_000);
  const { version } = await lake.append(session, 'frames', relation, transaction(turn, `writer-${writer}`), 'WRITE');
  process.stdout.write(`${version}\n`);
}
await session.close();
