import { checkCourses, checkDeaths } from '../activities/facts/told-facts.ts';

describe('facts of telemetry, in many courses of events', () => {
  it('are what was told, each once', async function () {
    this.timeout(30 * 60_000);
    await checkCourses(60);
  });

  it('are complete and single wherever a worker dies, before each change of the store', async function () {
    this.timeout(30 * 60_000);
    await checkDeaths(1);
  });
});
