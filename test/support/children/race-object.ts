// One of several processes that race for keys: waits for its standard input to end, then tries each key once.
// Arguments: root, name of this process, number of keys. Prints a JSON list of the keys it won.
import { once } from 'node:events';

import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';

const [root = '', name = '', keyCount = '0'] = process.argv.slice(2);
const store = fileObjectStore({ root });
process.stdout.write('ready\n');
process.stdin.resume();
await once(process.stdin, 'end');
const won: string[] = [];
for (let index = 0; index < Number(keyCount); index++) {
  const key = `race/folder-${index % 7}/${index}`;
  const body = new TextEncoder().encode(`${name} `.repeat(2_000));
  if ((await store.putIfAbsent(key, body)) === 'created') won.push(key);
}
process.stdout.write(`${JSON.stringify(won)}\n`);
