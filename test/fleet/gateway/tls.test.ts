import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { fileURLToPath } from 'node:url';

import type { Gateway } from '../../../fleet/gateway/gateway.ts';
import { bearer, wirePaths } from '../../../fleet/protocol/index.ts';
import { openTestFleet, type TestFleet } from '../../support/gateway.ts';

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url));
const server = {
  FLYWHEEL_GATEWAY_TLS_CERT: fixture('server.pem'),
  FLYWHEEL_GATEWAY_TLS_KEY: fixture('server-key.pem'),
};

describe('a gateway with TLS', () => {
  let fleet: TestFleet;
  let token: string;
  const robot = { cert: readFileSync(fixture('robot.pem')), key: readFileSync(fixture('robot-key.pem')) };

  beforeEach(async () => {
    fleet = await openTestFleet();
    await fleet.register(new Uint8Array([1]));
    token = await fleet.addRobot('r1');
  });
  afterEach(() => fleet.close());

  async function status(gateway: Gateway, robotId: string, bearerToken: string, options: RequestOptions = {}) {
    const sent = request(gateway.url + wirePaths.desired(robotId, 0), {
      ca: readFileSync(fixture('authority.pem')),
      headers: { authorization: bearer(bearerToken) },
      agent: false,
      ...options,
    });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  }

  it('serves HTTPS only', async () => {
    const gateway = await fleet.startGateway(server);
    assert.match(gateway.url, /^https:/);
    assert.equal(await status(gateway, 'r1', token), 200);
    await assert.rejects(fetch(gateway.url.replace('https:', 'http:')));
  });

  it('asks, with mutual TLS, for a certificate of its authority', async () => {
    const gateway = await fleet.startGateway({ ...server, FLYWHEEL_GATEWAY_TLS_CLIENT_CA: fixture('authority.pem') });
    assert.equal(await status(gateway, 'r1', token, robot), 200);
    await assert.rejects(status(gateway, 'r1', token));
  });

  it('refuses a robot that shows the certificate of another (403)', async () => {
    const gateway = await fleet.startGateway({ ...server, FLYWHEEL_GATEWAY_TLS_CLIENT_CA: fixture('authority.pem') });
    assert.equal(await status(gateway, 'r2', await fleet.addRobot('r2'), robot), 403);
  });
});
