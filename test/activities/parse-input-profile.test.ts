import assert from 'node:assert/strict';

import { parseInput, parseInputWith } from '../../activities/parse-workflow-input.ts';

describe('the trial profile of an installation', () => {
  const parse = parseInputWith('compressed');
  it('is the default of trials, monitors and the trials of cycles', async () => {
    for (const workflow of ['trialPolicy', 'abTest', 'rolloutPolicy', 'fleetMonitor'] as const)
      assert.equal(((await parse({ workflow, input: undefined })) as { profile: string }).profile, 'compressed');
    assert.equal((await parse({ workflow: 'weeklyCycle', input: {} })).trial.profile, 'compressed');
    assert.equal((await parseInputWith('real')({ workflow: 'weeklyCycle', input: {} })).trial.profile, 'real');
  });

  it('gives way to what the input says, and hides no mistake in it', async () => {
    assert.equal((await parse({ workflow: 'trialPolicy', input: { profile: 'real' } })).profile, 'real');
    const trial = { profile: 'real' as const };
    assert.equal((await parse({ workflow: 'weeklyCycle', input: { trial } })).trial.profile, 'real');
    await assert.rejects(parse({ workflow: 'weeklyCycle', input: { trial: 7 } }), /trial/);
    await assert.rejects(parse({ workflow: 'trialPolicy', input: [] }), /trialPolicy/);
    assert.equal((await parse({ workflow: 'rollbackPolicy', input: {} })).policy, 'wall-follower');
  });
});

describe('the search of a training', () => {
  const search = async (given: unknown): Promise<unknown> =>
    (await parseInput({ workflow: 'trainPolicy', input: { training: { search: given } } })).training.search;

  it('is none, a grid, or one that stops early, with its defaults', async () => {
    assert.deepEqual([await search(undefined), await search(true)], [false, true]);
    assert.deepEqual(await search({ trials: 5 }), { trials: 5, reduction: 3, budgetTrainings: 3 });
  });

  it('is refused with the field that is wrong', async () => {
    for (const [given, text] of [
      ['yes', /training\.search: expected true, false or an object/],
      [null, /expected true, false or an object/],
      [{ trials: 1 }, /training\.search\.trials: /],
      [{ trials: 65 }, /trials: .*64/],
      [{ budgetTrainings: 0 }, /budgetTrainings/],
      [{ trial: 9 }, /trial"/],
    ] as const)
      await assert.rejects(search(given), text);
  });
});
