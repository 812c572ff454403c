import assert from 'node:assert/strict';

import { parseInputWith } from '../../activities/parse-workflow-input.ts';

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
