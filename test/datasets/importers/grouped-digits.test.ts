import assert from 'node:assert/strict';

import { assert as holds, constantFrom, double, property } from 'fast-check';

import { numberOfText, withoutGroups } from '../../../datasets/importers/table.ts';

describe('digits in groups of three', () => {
  it('are the number that was written, in every way that says which mark is which', () =>
    holds(
      property(
        double({ min: -1e12, max: 1e12, noNaN: true }),
        constantFrom(['de-DE', ','], ['en-US', '.'], ['de-CH', '.'], ['fr-FR', ','], ['pl-PL', ','] as const),
        (value, [locale, decimal]) => {
          const whole = Math.trunc(value * 100) / 100;
          const text = whole.toLocaleString(locale, {
            minimumFractionDigits: 2,
            maximumFractionDigits: 2,
            useGrouping: 'always',
          });
          const plain = withoutGroups(text.replace('\u2212', '-'), decimal);
          if (Math.abs(whole) < 1000) assert.equal(plain, undefined);
          else if (text.length <= 20) assert.equal(numberOfText(plain ?? ''), Number(whole.toFixed(2)));
        },
      ),
    ));

  it('are none where a fraction may be meant, or no group is whole', () => {
    for (const text of [
      '1.234',
      '1,234',
      '12.34.567,8',
      '1.2345,6',
      '.123.456',
      '1.234,5,6',
      '1.234 567',
      '1234.567,8',
      '1.234e5',
      '',
    ])
      for (const decimal of ['.', ','] as const)
        assert.equal(withoutGroups(text, decimal), undefined, `${text} with ${decimal}`);
    assert.equal(withoutGroups('1.234.567', ','), '1234567');
    assert.equal(withoutGroups('1,234.5', ','), undefined, 'the other way round');
    assert.equal(withoutGroups("-12'000", '.'), '-12000');
  });
});
