import { attack } from './files.attack.ts';

describe('hostile files, a hundred thousand of them', () => {
  it('stop no collection, cost no honest frame and no memory', async function () {
    this.timeout(12 * 3_600_000);
    await attack({
      seed: process.env['ATTACK_SEED'] ?? 'files',
      count: Number(process.env['ATTACK_COUNT'] ?? 100_000),
      report: (line) => console.log(line),
    });
  });
});
