import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { findFfmpeg } from '../datasets/media/find-ffmpeg.ts';
import { drivingPictures } from './agent-cameras/pictures.ts';
import type { RobotPartResult } from './agent-cameras/robot-main.ts';
import { inProcess } from './in-process.ts';

export interface AgentCamerasOptions {
  /** How long each robot records. */
  readonly seconds: number;
  readonly progress: (line: string) => void;
}

export interface AgentCamerasResult {
  readonly leg: 'agent-cameras';
  readonly seconds: number;
  readonly jpeg: RobotPartResult;
  /** Undefined without an ffmpeg. */
  readonly h264: RobotPartResult | undefined;
}

const robot = new URL('agent-cameras/robot-main.ts', import.meta.url);

/** What two cameras of 640 × 480 pixels at 15 images a second cost a robot's computer: while it drives, and when clips are made of what they saw. */
export async function measureAgentCameras({ seconds, progress }: AgentCamerasOptions): Promise<AgentCamerasResult> {
  const pictures = await mkdtemp(path.join(tmpdir(), 'flywheel-pictures-'));
  try {
    for (const [index, picture] of (await drivingPictures(60, 1)).entries())
      await writeFile(path.join(pictures, `${100 + index}.jpg`), picture);
    const jpeg = await inProcess<RobotPartResult>(robot, { codec: 'jpeg', seconds, pictures });
    progress('motion JPEG is measured');
    const ffmpeg = await findFfmpeg(process.env);
    if (ffmpeg === undefined)
      progress('no ffmpeg: H.264 is not measured (node tools/tool.ts ffmpeg prints the path of one)');
    const h264 =
      ffmpeg === undefined
        ? undefined
        : await inProcess<RobotPartResult>(robot, { codec: 'h264', seconds, pictures, ffmpeg });
    return { leg: 'agent-cameras', seconds, jpeg, h264 };
  } finally {
    await rm(pictures, { recursive: true });
  }
}
