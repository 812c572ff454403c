import { checkAccount, liveCompressedWeek } from './compressed-week.ts';

describe('a compressed week of a small fleet', () => {
  it('accounts for every episode: made = stored + already stored + quarantined + dropped', async () => {
    checkAccount(await liveCompressedWeek({ robots: 5, episodesPerRobotDay: 4, quotaBytes: 40_000 }));
  }).timeout(180_000);
});
