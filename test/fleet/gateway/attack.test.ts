import { attack } from '../../long/attack/http.attack.ts';

describe('strangers at a gateway, a slice of the long attack', () => {
  it('get nothing but refusals, while honest robots are served', async function () {
    this.timeout(120_000);
    await attack({ seed: 7, count: 600, report: () => undefined });
  });
});
