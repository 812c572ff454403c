import { attack } from './models.attack.ts';

describe('hostile models', () => {
  it('are held by the gates and harm neither worker nor robot: 220 of them', async () => {
    await attack({
      seed: Number(process.env['ATTACK_SEED'] ?? 1),
      count: 220,
      report: (line) => console.log(`      ${line}`),
    });
  });
});
