import type { AgentStatus } from './agent-api.ts';
import type { Connection } from './link/connection.ts';
import type { Contact } from './link/contact.ts';
import type { InstallReports } from './versions/install-reports.ts';
import type { ActivePolicy } from './versions/keeper-state.ts';
import type { RefusedTasks } from './recording/refused-tasks.ts';
import type { Recording } from './recording/recording.ts';
import type { RobotSide } from './robot-side.ts';
import type { SetAside } from './recording/set-aside.ts';
import type { TrustedOrders } from './trust/trusted-orders.ts';

export interface StatusPorts {
  readonly connection: Connection;
  readonly acting: () => ActivePolicy | undefined;
  readonly recording: Recording;
  readonly refusedTasks: RefusedTasks;
  readonly reports: InstallReports;
  readonly aside: SetAside;
  readonly side: RobotSide;
  readonly contact: Contact;
  readonly orders: TrustedOrders;
}

/** How an agent stands now. */
export const statusOf = (ports: StatusPorts): AgentStatus => {
  const { connection, acting, recording, refusedTasks, reports, aside, side, contact, orders } = ports;
  return {
    isConnected: connection.isMade(),
    installedVersion: acting()?.version,
    trialId: acting()?.trialId ?? null,
    waitingBytes: recording.sizeBytes(),
    waitingSegments: recording.waitingSegments(),
    waitingTelemetry: recording.telemetry.count(),
    waitingReports: reports.count(),
    droppedEpisodes: recording.droppedEpisodes(),
    setAside: aside.count(),
    refusedTasks: refusedTasks.total(),
    discardedFrames: side.discardedFrames(),
    lostFrames: side.lostFrames(),
    waitingImageBytes: recording.images.sizeBytes(),
    waitingClips: recording.images.waitingClips(),
    imagesDropped: recording.images.dropped(),
    skewMs: connection.skewMs(),
    contactlessMs: contact.contactlessMs(),
    unfreshMs: orders.unfreshMs(),
    obeysSignedOnly: orders.isSigned(),
  };
};
