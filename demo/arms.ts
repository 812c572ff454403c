import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { toolPath } from '../tools/tool.ts';
import type { FleetWorld } from './fleet.ts';
import { giveWay, startProcess } from './processes.ts';

const clients = fileURLToPath(new URL('../clients', import.meta.url));
const agentProgram = fileURLToPath(new URL('../cli/start.mjs', import.meta.url));
/** Time to reach, or to go around a puck and push it: four seconds. */
const usualFrames = 80;

export interface ArmWork {
  /** In turns. Default: all that arms can do. */
  readonly tasks?: readonly string[];
  /** Longest episode. Default: four seconds. */
  readonly framesPerEpisode?: number;
}

/**
 * Arms in MuJoCo, each a thread of one Python program with an agent of its own (clients/mujoco). What they sense is their robot type's. Installs
 * MuJoCo once.
 */
export async function openArms({ tasks, framesPerEpisode = usualFrames }: ArmWork = {}): Promise<FleetWorld> {
  const python = await toolPath('python-mujoco');
  return {
    start(options, args) {
      const robots = startProcess({
        name: 'simulated arms',
        command: python,
        args: ['-m', 'flywheel_mujoco', ...args],
        logFile: path.join(options.stateDirectory, 'logs', 'robots.log'),
        environment: {
          ...options.environment,
          PYTHONPATH: ['python', 'mujoco'].map((name) => path.join(clients, name, 'src')).join(path.delimiter),
          PYTHONDONTWRITEBYTECODE: '1',
          // What arms with a camera render with; the others do not.
          MUJOCO_GL: process.env['MUJOCO_GL'] ?? 'egl',
          FLYWHEEL_AGENT_COMMAND: [process.execPath, agentProgram].map((word) => `'${word}'`).join(' '),
        },
        channel: true,
      });
      options.lock.remember(robots);
      giveWay(robots);
      return { ...robots, ready: Promise.resolve() };
    },
    scenario: ({ families: _families, obstacles: _obstacles, startsAnew: _startsAnew, ...circumstances }) => ({
      world: { kind: 'arm', tasks },
      framesPerEpisode,
      ...circumstances,
    }),
  };
}
