// Erases what a request names, as the workflow's activities do. Arguments: root of the file store, scratch folder, erasure. Prints the certificate, and
// how many changes of files it made if `die-at-change.ts` is preloaded.
import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { nowMs, portsOf } from '../../activities/collection/collection-fixture.ts';
import { erase } from '../../activities/erasure/erasure-world.ts';
import { changesSoFar } from './die-at-change.ts';

const [root = '', scratch = '', erasureId = ''] = process.argv.slice(2);
const engine = duckDbEngine({ temporaryDirectory: scratch, threads: 1, memoryLimitMiB: 256 });
const store = fileObjectStore({ root, nowMs: () => nowMs });
const { checked, certificate } = await erase(portsOf(store, engine, scratch), erasureId);
const changes = changesSoFar();
process.stdout.write(JSON.stringify({ changes, leftovers: checked.leftovers, certificate: certificate ?? null }));
