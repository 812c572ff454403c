import assert from 'node:assert/strict';

import { wallFollowingAction, wallFollowingActions } from '../../datasets/wall-following-rule.ts';

const ring = (changes: Readonly<Record<number, number>>): readonly number[] =>
  Array.from({ length: 24 }, (_, sensor) => changes[sensor + 1] ?? 2);

describe('the wall-following rule', () => {
  it('turns sharply right when the front is blocked, whatever is on the left', () => {
    for (const sensor of [11, 13, 15])
      assert.equal(wallFollowingAction(ring({ [sensor]: 0.9, 18: 0.7 })), wallFollowingActions.sharpRightTurn);
    assert.notEqual(wallFollowingAction(ring({ 10: 0.2, 18: 0.7 })), wallFollowingActions.sharpRightTurn);
  });

  it('keeps the wall on its left between 0.495 m and 0.9 m', () => {
    assert.equal(wallFollowingAction(ring({})), wallFollowingActions.slightLeftTurn);
    assert.equal(wallFollowingAction(ring({ 17: 0.901 })), wallFollowingActions.slightLeftTurn);
    assert.equal(wallFollowingAction(ring({ 20: 0.9 })), wallFollowingActions.moveForward);
    assert.equal(wallFollowingAction(ring({ 19: 0.495 })), wallFollowingActions.moveForward);
    assert.equal(wallFollowingAction(ring({ 19: 0.494 })), wallFollowingActions.slightRightTurn);
  });
});
