import type { Connection } from '../link/connection.ts';
import type { Contact } from '../link/contact.ts';
import type { ClipUpload } from '../link/clip-upload.ts';
import type { ToldTasks } from '../link/told-tasks.ts';
import type { Exchange } from '../link/exchange.ts';
import type { AgentLimits } from '../limits.ts';
import { repeat, untilDone, type LoopPorts } from '../link/loops.ts';
import type { Recording } from '../recording/recording.ts';
import type { TrustedOrders } from '../trust/trusted-orders.ts';
import type { VersionKeeper } from './version-keeper.ts';
import { createBell, type Bell } from '../local/waiting.ts';

/** What wakes a loop before its time. */
export interface Bells {
  readonly keeper: Bell;
  readonly upload: Bell;
  readonly telemetry: Bell;
  readonly reports: Bell;
  readonly tasks: Bell;
  readonly settle: Bell;
  readonly clips: Bell;
  readonly clipUpload: Bell;
}

export const createBells = (): Bells => ({
  keeper: createBell(),
  upload: createBell(),
  telemetry: createBell(),
  reports: createBell(),
  tasks: createBell(),
  settle: createBell(),
  clips: createBell(),
  clipUpload: createBell(),
});

export interface BackgroundPorts {
  readonly loops: LoopPorts;
  readonly bells: Bells;
  readonly limits: AgentLimits;
  readonly connection: Connection;
  readonly contact: Contact;
  readonly exchange: Exchange;
  readonly clipUpload: Pick<ClipUpload, 'step'>;
  readonly told: Pick<ToldTasks, 'fetch'>;
  readonly orders: Pick<TrustedOrders, 'ready' | 'keep'>;
  readonly keeper: VersionKeeper;
  readonly recording: Recording;
  readonly isBusy: () => boolean;
  /** Keeps how long the robot was online, if that is due. */
  readonly keepOnlineIfDue: () => Promise<void>;
  readonly settle: () => Promise<void>;
}

/** The loop that obeys orders tries again soon, whatever went wrong. */
const keeperBackOff = { firstMs: 250, longestMs: 2_000 };

/** Everything an agent does by itself, each in a loop of its own, so that none waits for another. Resolves when the signal ended all. */
export async function runInBackground(ports: BackgroundPorts): Promise<void> {
  const { loops, bells, limits, contact, keeper, recording } = ports;
  const loop = (name: string, bell: Bell, step: () => Promise<number>): Promise<void> =>
    repeat(loops, name, bell, step);
  const tick = (name: string, bell: Bell, step: () => Promise<void>, everyMs = limits.tickMs): Promise<void> =>
    loop(name, bell, async () => {
      await step();
      return everyMs;
    });
  await Promise.all([
    talk(ports, loop),
    repeat({ ...loops, backOff: keeperBackOff }, 'version keeper', bells.keeper, async () => {
      await keeper.reconcile();
      return limits.tickMs;
    }),
    tick('contact', createBell(), () => contact.keep()),
    tick('trust', createBell(), () => ports.orders.keep()),
    tick('sync', createBell(), () => recording.sync(), limits.syncIntervalMs),
    tick('online', createBell(), ports.keepOnlineIfDue),
    tick('settle', bells.settle, ports.settle),
    loop('clips', bells.clips, async () => {
      if (!(await recording.images.makeNext({ isIdle: !ports.isBusy(), signal: loops.signal }))) return limits.tickMs;
      bells.settle.ring();
      return 0;
    }),
  ]);
}

/** All that needs a gateway. */
async function talk(
  { loops, bells, limits, connection, exchange, clipUpload, told, orders, recording, isBusy }: BackgroundPorts,
  loop: (name: string, bell: Bell, step: () => Promise<number>) => Promise<void>,
): Promise<void> {
  const spread = (timeMs: number): number => timeMs * (0.9 + 0.2 * loops.random());
  await untilDone(loops, 'handshake', () => connection.handshake());
  if (loops.signal.aborted) return;
  bells.settle.ring();
  await Promise.all([
    loop('heartbeat', createBell(), async () => {
      await connection.heartbeat(recording, isBusy());
      return spread(limits.heartbeatEveryMs ?? connection.heartbeatEveryMs());
    }),
    loop('order', createBell(), async () => {
      await orders.ready();
      return exchange.askForOrder(limits.longPollMs ?? connection.longPollMs());
    }),
    loop('upload', bells.upload, exchange.upload),
    loop('clip upload', bells.clipUpload, clipUpload.step),
    loop('telemetry', bells.telemetry, exchange.sendTelemetry),
    loop('install report', bells.reports, exchange.sendReport),
    loop('tasks', bells.tasks, told.fetch),
  ]);
}
