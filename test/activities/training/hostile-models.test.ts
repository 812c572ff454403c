import { attack } from '../../long/attack/models.attack.ts';

describe('a slice of the attack by hostile models', () => {
  it('finds no way through: the first four', async function () {
    this.timeout(300_000);
    await attack({ seed: 1, count: 4, report: () => undefined });
  });
});
