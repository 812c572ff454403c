import assert from 'node:assert/strict';

import { addSeeingRobots, clipSettings, clipsIn, seeingType as storedType } from '../../../support/clips.ts';
import { openTestFleet } from '../../../support/gateway.ts';
import { frameAt, openRobot, temporaryDirectory, until } from '../robot.ts';
import { jpegImage, plainClipMaker } from './camera-robot.ts';

describe('a robot with cameras and a real gateway', () => {
  it('bring a clip of several parts from the camera to the store', async function () {
    this.timeout(60_000);
    const fleet = await openTestFleet();
    const folder = await temporaryDirectory();
    try {
      await fleet.register(new Uint8Array([1]));
      const [token = ''] = await addSeeingRobots(fleet, 'r1');
      const gateway = await fleet.startGateway(clipSettings);
      const agent = await openRobot({
        robotId: 'r1',
        token,
        gatewayUrl: gateway.url,
        directory: folder.directory,
        publicKeyPem: fleet.publicKeyPem,
        robotType: storedType,
        clipMaker: plainClipMaker,
        limits: { clipLineFraction: 1 },
      });
      const [camera] = storedType.cameras ?? [];
      const jpeg = Buffer.concat([await jpegImage(camera!, 1), Buffer.alloc(2.5 * 1024 * 1024, 7)]);
      agent.beginEpisode();
      const at = Date.now() * 1000;
      for (const index of [0, 1]) {
        agent.recordImage(camera!.name, jpeg, at + index * 200_000);
        agent.record({ ...frameAt(index), atUs: at + index * 200_000 });
      }
      await agent.endEpisode('success');
      await agent.settle();
      await until('delivered', () => agent.status().waitingClips + agent.status().waitingSegments === 0);
      await agent.close();
      assert.deepEqual({ ...agent.status().imagesDropped }, {});
      const { clips, isSound, parts, uses } = await clipsIn(fleet.store);
      assert.deepEqual([clips.length, isSound, parts.length, uses.length], [1, true, 0, 1]);
    } finally {
      await fleet.close();
      await folder.remove();
    }
  });
});
