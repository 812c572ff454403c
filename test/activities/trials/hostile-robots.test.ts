import { attack } from '../../long/attack/robots.attack.ts';

describe('hostile robots', function () {
  this.timeout(120_000);

  it('neither hide harm, nor veto a good model, nor stop a tick', async () => {
    const lines: string[] = [];
    await attack({ seed: 'slice', count: 8, report: (line) => lines.push(line) });
    if (lines.length !== 8) throw new Error(`expected 8 rounds, got ${lines.length}`);
  });
});
