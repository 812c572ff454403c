import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { footerKeys } from '../../../datasets/columns.ts';
import { startFakeGateway } from './fake-gateway.ts';
import { fleetKeys } from './fleet-keys.ts';
import { openRobot, recordEpisode, robotId, temporaryDirectory, token, until } from './robot.ts';

const hour = 3_600_000;

describe('the clock skew of a segment', () => {
  it('corrects every episode in it, although the robot’s clock jumped between two', async () => {
    const gateway = await startFakeGateway(robotId, token);
    const folder = await temporaryDirectory();
    let aheadMs = 2 * hour;
    const agent = await openRobot({
      gatewayUrl: gateway.url,
      directory: folder.directory,
      publicKeyPem: fleetKeys().publicKeyPem,
      clock: () => Date.now() + aheadMs,
    });
    try {
      await until('connected', () => agent.status().isConnected);
      const startMs = Date.now();
      await recordEpisode(agent, { startUs: (startMs + aheadMs) * 1000 });
      aheadMs = -5 * hour;
      await recordEpisode(agent, { startUs: (startMs + aheadMs) * 1000 });
      await agent.settle();
      await until('uploaded', () => gateway.segments.size === 1);
      const [bytes] = gateway.segments.values();
      const file = path.join(folder.directory, 'segment.parquet');
      await writeFile(file, bytes!);
      const session = await duckDbEngine({ temporaryDirectory: folder.directory, threads: 1 }).open();
      const rows = await session.rows(`SELECT DISTINCT started_at AS us FROM read_parquet('${file}')`);
      const footer = await session.rows(
        `SELECT decode(value) AS skew FROM parquet_kv_metadata('${file}') WHERE decode(key) = '${footerKeys.clockSkewMs}'`,
      );
      await session.close();
      const skewMs = Number(footer[0]?.['skew']);
      assert.ok(Math.abs(skewMs + 5 * hour) < 2_000, `expected the skew at the end, got ${skewMs}`);
      for (const row of rows)
        assert.ok(
          Math.abs(Number(row['us']) / 1000 - skewMs - startMs) < 2_000,
          'a start that the skew does not correct',
        );
      assert.ok(rows.length >= 1);
    } finally {
      await agent.close();
      await gateway.stop();
      await folder.remove();
    }
  });
});
