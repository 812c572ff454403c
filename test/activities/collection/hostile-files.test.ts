import { attack } from '../../long/attack/files.attack.ts';

describe('hostile files, a slice of the standing attack', () => {
  it('stop no collection, cost no honest frame and no memory', async function () {
    this.timeout(300_000);
    await attack({ seed: 'slice', count: 40, report: () => undefined });
  });
});
