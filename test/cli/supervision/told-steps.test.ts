import assert from 'node:assert/strict';

import { toldSteps } from '../../../demo/told-steps.ts';
import { waitFor } from '../../../demo/wait-for.ts';

describe('a scenario', () => {
  it('goes on after a step that did not happen, and says what did not', async () => {
    const said: string[] = [];
    const { step, missed } = toldSteps((line) => said.push(line));
    assert.equal(await step('the first cycle', async () => 1), 1);
    const failed = await step('the bad policy', async () => {
      throw new Error('expected a model that passed every offline gate, got one that did not');
    });
    assert.equal(failed, undefined);
    assert.equal(await step('the end', async () => 'end'), 'end');
    assert.deepEqual(missed, ['the bad policy: expected a model that passed every offline gate, got one that did not']);
    assert.deepEqual(said, [`  Not as expected: ${missed[0] ?? ''}`]);
  });

  it('waits as long as something happens, saying what for, and gives up when nothing does', async () => {
    const said: string[] = [];
    let looks = 0;
    const wait = (isDone: (look: number) => boolean, state: (look: number) => string): Promise<void> =>
      waitFor({
        what: '30 robots',
        say: (line) => said.push(line),
        lookEveryMs: 5,
        tellEveryMs: 20,
        patienceMs: 60,
        look: async () => ({ isDone: isDone((looks += 1)), state: state(looks) }),
      });
    const startedMs = performance.now();
    await wait(
      () => performance.now() - startedMs > 300,
      (look) => `${look} came`,
    );
    assert.ok(said.length >= 2 && said.every((line) => /^ {2}waits for 30 robots: \d+ came …$/.test(line)));
    await assert.rejects(
      wait(
        () => false,
        () => '29 came',
      ),
      /waited for 30 robots; for 0 s there was only: 29 came/,
    );
  });
});
