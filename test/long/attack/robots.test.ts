import { attack } from './robots.attack.ts';

describe('hostile robots, a long attack', function () {
  this.timeout(3_600_000);

  it('neither hide harm, nor veto a good model, nor stop a tick', () =>
    attack({
      seed: process.env['ATTACK_SEED'] ?? '1',
      count: 160,
      report: (line) => process.stdout.write(`${line}\n`),
    }));
});
