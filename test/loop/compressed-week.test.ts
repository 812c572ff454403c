import { checkAccount, liveCompressedWeek } from './compressed-week.ts';

describe('a compressed week of a small fleet', () => {
  it('accounts for every episode: made = stored + already stored + quarantined + dropped', async () => {
    checkAccount(await liveCompressedWeek({ robots: 12, episodesPerRobotDay: 5, quotaBytes: 60_000 }));
  }).timeout(180_000);
});
