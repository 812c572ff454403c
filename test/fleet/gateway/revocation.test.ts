import assert from 'node:assert/strict';

import { changeRobot } from '../../../fleet/desk/index.ts';
import type { Gateway } from '../../../fleet/gateway/gateway.ts';
import { bearer, wirePaths } from '../../../fleet/protocol/index.ts';
import { errorType, openTestFleet, who, type TestFleet } from '../../support/gateway.ts';

describe('a token that is taken away', () => {
  let fleet: TestFleet;
  let gateway: Gateway;
  let token: string;

  beforeEach(async () => {
    fleet = await openTestFleet();
    await fleet.register(new Uint8Array([1]));
    token = await fleet.addRobot('r1');
    gateway = await fleet.startGateway({ FLYWHEEL_GATEWAY_LOOK_MS: '100' });
  });
  afterEach(() => fleet.close());

  const desired = (waitMs: number, etag?: string) =>
    fetch(gateway.url + wirePaths.desired('r1', waitMs), {
      headers: { authorization: bearer(token), ...(etag === undefined ? {} : { 'if-none-match': etag }) },
    });
  async function poll(): Promise<{ answer: Promise<Response> }> {
    const first = await desired(0);
    const waiting = desired(30_000, first.headers.get('etag') ?? '');
    const metrics = () => fetch(`${gateway.operationsUrl}/metrics`).then((response) => response.text());
    while (!/^flywheel_gateway_long_polls 1$/m.test(await metrics()))
      await new Promise((resolve) => setTimeout(resolve, 20));
    return { answer: waiting };
  }
  const change = (next: { tokenHashes: string[] } | { isQuarantined: boolean }) =>
    changeRobot({ store: fleet.store, clock: Date.now }, { robotId: 'r1', ...who }, () => next);

  it('ends the robot’s long poll with 401, long before the poll’s own end', async function () {
    this.timeout(25_000);
    const { answer } = await poll();
    await change({ tokenHashes: [] });
    const response = await answer;
    assert.equal(response.status, 401);
    assert.equal(await errorType(response), 'unauthorized');
  });

  it('gives the robot no order any more that was written after it', async function () {
    this.timeout(25_000);
    const { answer } = await poll();
    await change({ tokenHashes: [] });
    await fleet.assign(0, { urgency: 'safeStop' });
    assert.equal((await answer).status, 401);
  });

  it('is not what another change of the robot is: its poll is answered, and it asks again', async function () {
    this.timeout(25_000);
    const { answer } = await poll();
    await change({ isQuarantined: true });
    assert.equal((await answer).status, 304);
    assert.equal((await desired(0)).status, 200);
  });
});
