import { dieAndGoOn } from '../activities/collection/dying-worker.ts';

describe('a worker that dies while it collects, at each single call of its ports', () => {
  it('loses and doubles nothing', async function () {
    this.timeout(20 * 60_000);
    await dieAndGoOn(1);
  });
});
