import { attack } from './http.attack.ts';

describe('strangers at a gateway', () => {
  it('get nothing but refusals for 100,000 requests of every kind, while honest robots are served', async function () {
    this.timeout(3_600_000);
    const seed = process.env['ATTACK_SEED'] ?? '1';
    const count = Number(process.env['ATTACK_COUNT'] ?? 100_000);
    await attack({ seed, count, report: (line) => process.stdout.write(`      ${line}\n`) });
  });
});
