import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import { trialEndsOf } from '../../demo/scenarios/end-state.ts';
import { waitUntil } from '../../demo/processes.ts';

const script = fileURLToPath(new URL('../../temporal-dev.sh', import.meta.url));
const weeks = 5;
const weekMs = 7 * 60_000;
const policy = 'wall-follower';
/** Nothing was wrong, though not every week brings something better. */
const fine = ['promoted', 'offered', 'notOffered', 'gatesHold', 'nothingNew'];

/** Five fleet weeks of seven minutes that nobody attends to: the schedule starts the cycles, trials decide what robots run. */
describe('temporal-dev.sh left alone', function () {
  this.timeout((weeks + 2) * weekMs);

  it(`runs ${weeks} weekly cycles from the schedule, and a trial makes the fleet better`, async () => {
    const state = await mkdtemp(path.join(tmpdir(), 'flywheel-weeks-'));
    const options = ['--cycles', '0', '--state', state, '--port', '17333', '--ui-port', '18333'];
    const child = spawn(script, options, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
    const store = fileObjectStore({ root: path.join(state, 'store') });
    const exit = once(child, 'exit');
    try {
      const reports = async (): Promise<readonly { readonly cycleId: string; readonly outcome: string }[]> => {
        const found: { cycleId: string; outcome: string }[] = [];
        for await (const { key } of store.list('reports/')) {
          const bytes = key.endsWith('.json') ? await store.get(key) : undefined;
          if (bytes !== undefined)
            found.push(JSON.parse(new TextDecoder().decode(bytes)) as { cycleId: string; outcome: string });
        }
        return found;
      };
      await waitUntil(
        async () => child.exitCode !== null || (await reports()).length >= weeks,
        () => `${weeks} cycles in:\n${output}`,
        (weeks + 1) * weekMs,
        5_000,
      );
      assert.equal(child.exitCode, null, output);
      for (const { cycleId, outcome } of await reports()) assert.ok(fine.includes(outcome), `${cycleId}: ${outcome}`);
      const promoted = (await trialEndsOf({ context: { store } })).filter(({ outcome }) => outcome === 'promoted');
      const history = await readAliasHistory({ store })({ policy });
      const champions = history.flatMap(({ set: { champion } }) => (champion === undefined ? [] : [champion]));
      assert.ok(promoted.length >= 1);
      assert.deepEqual(
        champions.slice(1, 1 + promoted.length),
        promoted.map(({ candidateVersion }) => candidateVersion),
      );
    } finally {
      child.kill('SIGTERM');
      await exit;
      await rm(state, { recursive: true, force: true });
    }
  });
});
