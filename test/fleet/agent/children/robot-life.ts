import { fdatasync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import type { KillPoint } from '../../../../fleet/agent/index.ts';
import { childClipMaker } from '../../../../fleet/agent/adapters/child-clip-maker.ts';
import { front, jpegImage, plainClipMaker, seeingType } from '../images/camera-robot.ts';
import { frameAt, openRobot, recordEpisode } from '../robot.ts';

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
  /** What its cameras' clips are made by; without it has none. */
  readonly cameras?: 'inProcess' | 'child';
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
  limits: { rotateBytes: 6_000, quotaBytes: plan.quotaBytes, clipLineFraction: 1, clipIdleMs: 0 },
  ...(plan.cameras === undefined
    ? {}
    : {
        robotType: seeingType,
        clipMaker: plan.cameras === 'child' ? childClipMaker({ environment: {} }) : plainClipMaker,
      }),
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

/** Each image is another: its name is what follows the end of the JPEG. */
const picture = plan.cameras === undefined ? undefined : await jpegImage(front, 1);
function seeImage(episodeId: string, index: number): void {
  if (picture === undefined) return;
  const name = `${episodeId}/${String(index).padStart(2, '0')}`;
  agent.recordImage('front', Buffer.concat([picture, Buffer.from(name)]), Date.now() * 1000 + index * 100_000);
  say({ image: name });
}

for (let index = 0; index < plan.episodes; index++) {
  const id = agent.beginEpisode();
  say({ begun: id });
  for (let image = 0; image < 2; image++) seeImage(id, image);
  const outcome = index % 3 === 1 ? 'failure' : 'success';
  if (picture !== undefined) agent.record({ ...frameAt(0), atUs: Date.now() * 1000 - 60_000_000 });
  for (let image = 2; image < 4; image++) seeImage(id, image);
  await recordEpisode(agent, { frames: 10, outcome, corrections: index % 4 === 2 ? 2 : 0 });
  say({ ended: id });
  if (index % 2 === 1) await sleep(15);
}
while (performance.now() < (plan.leastMs ?? 0)) await sleep(10);
await agent.settle();
// Clips take their time on a busy machine: to be made, and each with three requests to be uploaded.
const patience = plan.cameras === undefined ? 400 : 12_000;
for (let waited = 0; waited < patience; waited++) {
  const { waitingSegments, waitingTelemetry, waitingReports, waitingClips } = agent.status();
  if (waitingSegments + waitingTelemetry + waitingReports + waitingClips === 0) break;
  await sleep(10);
}
const { imagesDropped, waitingClips } = agent.status();
say({ dropped: { ...imagesDropped }, waitingClips });
await agent.close();
