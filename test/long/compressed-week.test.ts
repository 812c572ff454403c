import { checkAccount, liveCompressedWeek } from '../loop/compressed-week.ts';

describe('a compressed week of 100 robots, 20 episodes a day', () => {
  it('accounts for every episode: made = stored + already stored + quarantined + dropped', async () => {
    checkAccount(await liveCompressedWeek({ robots: 100, episodesPerRobotDay: 20, quotaBytes: 200_000 }));
  }).timeout(15 * 60_000);
});
