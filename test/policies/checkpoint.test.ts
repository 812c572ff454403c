import assert from 'node:assert/strict';

import { decodeCheckpoint, encodeCheckpoint, type TrainingState } from '../../policies/checkpoint.ts';

const state = (): TrainingState => ({
  step: 12,
  lossSum: 3.25,
  lossSteps: 2,
  bestStep: 10,
  curve: [{ step: 10, trainLoss: 1 / 3, validationLoss: 0.1 + 0.2, validationAgreementFraction: 0.5 }],
  parameters: Float32Array.of(1, -0, 1e-45),
  firstMoment: Float32Array.of(0.1, 0.2, 0.3),
  secondMoment: Float32Array.of(4, 5, 6),
  bestParameters: Float32Array.of(7, 8, 9),
});

describe('a checkpoint', () => {
  it('comes back as it was, to the last bit', () => {
    assert.deepEqual(decodeCheckpoint(encodeCheckpoint(state(), 'x'), 'x'), state());
  });

  it('reads from any offset of a larger buffer', () => {
    const bytes = encodeCheckpoint(state(), 'x');
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    assert.deepEqual(decodeCheckpoint(shifted.subarray(3), 'x'), state());
    assert.deepEqual(decodeCheckpoint(Buffer.from(bytes), 'x'), state());
  });

  it('of another training is refused', () => {
    assert.throws(
      () => decodeCheckpoint(encodeCheckpoint(state(), 'x'), 'y'),
      /expected a checkpoint of this training/,
    );
  });

  it('that was cut short is refused', () => {
    const bytes = encodeCheckpoint(state(), 'x');
    assert.throws(() => decodeCheckpoint(bytes.subarray(0, -4), 'x'), /bytes of checkpoint/);
    assert.throws(() => decodeCheckpoint(bytes.subarray(0, 20), 'x'));
  });
});
