import { fdatasync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import type { KillPoint } from '../../../../fleet/agent/index.ts';
import { openRobot, recordEpisode } from '../robot.ts';

/** One life of a robot: records seeded episodes, says which ended, and dies when a point is reached for the n-th time. */
export interface LifePlan {
  readonly directory: string;
  readonly gatewayUrl: string;
  readonly publicKeyPem: string;
  /** Where the test's own robot will not do. */
  readonly robotId?: string;
  readonly token?: string;
  readonly life: number;
  readonly episodes: number;
  readonly quotaBytes: number;
  /** How long a life lasts at least, for what comes from outside to reach it. */
  readonly leastMs?: number;
  /** Null: live to the end, upload everything and close. */
  readonly death: { readonly point: KillPoint; readonly nth: number } | null;
}

const plan = JSON.parse(process.argv[2] ?? '') as LifePlan;
const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);
let reached = 0;

const agent = await openRobot({
  directory: plan.directory,
  gatewayUrl: plan.gatewayUrl,
  publicKeyPem: plan.publicKeyPem,
  ...(plan.robotId === undefined ? {} : { robotId: plan.robotId }),
  ...(plan.token === undefined ? {} : { token: plan.token }),
  limits: { rotateBytes: 6_000, quotaBytes: plan.quotaBytes },
  at(point) {
    if (point !== plan.death?.point) return;
    reached += 1;
    if (reached === plan.death.nth) process.kill(process.pid, 'SIGKILL');
  },
  async sync(descriptor) {
    await promisify(fdatasync)(descriptor);
    writeFileSync(path.join(plan.directory, 'synced'), '');
  },
});
say({ policy: agent.policy()?.version ?? null });

for (let index = 0; index < plan.episodes; index++) {
  const id = agent.beginEpisode();
  say({ begun: id });
  const outcome = index % 3 === 1 ? 'failure' : 'success';
  await recordEpisode(agent, { frames: 10, outcome, corrections: index % 4 === 2 ? 2 : 0 });
  say({ ended: id });
  if (index % 2 === 1) await sleep(15);
}
while (performance.now() < (plan.leastMs ?? 0)) await sleep(10);
await agent.settle();
for (let waited = 0; waited < 400; waited++) {
  const { waitingSegments, waitingTelemetry, waitingReports } = agent.status();
  if (waitingSegments + waitingTelemetry + waitingReports === 0) break;
  await sleep(10);
}
await agent.close();
