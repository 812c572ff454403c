import type { Client } from '@temporalio/client';

import type { RobotType } from '../../../datasets/robot-type.ts';
import type { CommandContext } from '../../context.ts';
import type { FleetProcessOptions } from '../fleet-processes.ts';

/** What a scenario plays on: a store, a Temporal server, workers of every queue, and a folder of its own. */
export interface Installation extends FleetProcessOptions {
  readonly context: CommandContext;
  readonly client: Client;
  /** Queue of the workflows. */
  readonly taskQueue: string;
  readonly policy: string;
  readonly robotType: RobotType;
  /** Absent where the server is not the scenario's own. */
  readonly server?: RestartableServer;
  readonly say: (line: string) => void;
}

/** A Temporal server that can be gone for a while; it comes back on the same port and database. */
export interface RestartableServer {
  kill(): Promise<void>;
  start(): Promise<void>;
}
