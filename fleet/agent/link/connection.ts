import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { wireLimits } from '../../protocol/index.ts';
import { agentVersion } from '../agent-version.ts';
import type { Contact } from './contact.ts';
import type { Answered, GatewayClient } from '../gateway-client.ts';
import type { InstallationFile } from '../versions/installation-file.ts';
import { isSeq } from '../versions/installation.ts';
import type { Recording } from '../recording/recording.ts';
import type { GatewayTimes } from '../local/dating.ts';
import { betterGatewayTime, skewAt, type MonotonicClock, type WallClock } from '../local/times.ts';

export interface ConnectionPorts {
  readonly gateway: GatewayClient;
  readonly bootId: string;
  readonly robotType: RobotType;
  readonly file: InstallationFile;
  readonly contact: Contact;
  readonly times: GatewayTimes;
  readonly wall: WallClock;
  readonly monotonic: MonotonicClock;
  readonly installedVersion: () => string | null;
  /** Whose version that is; undefined before the first order. */
  readonly policy: () => string | undefined;
}

/** What a robot and its gateway tell each other about themselves. */
export interface Connection {
  readonly isMade: () => boolean;
  /** Robot clock minus gateway clock now, or as last known; undefined before the first contact ever. */
  readonly skewMs: () => number | undefined;
  readonly heartbeatEveryMs: () => number;
  readonly longPollMs: () => number;
  readonly contactMade: (answer: Answered<unknown>) => void;
  handshake(): Promise<void>;
  heartbeat(recording: Recording, isBusy: boolean): Promise<void>;
}

export function createConnection(ports: ConnectionPorts): Connection {
  const { gateway, bootId, file, wall, monotonic, times } = ports;
  let made: { readonly heartbeatEveryMs: number; readonly longPollMs: number } | undefined;

  const clockMs = (): number => Math.max(0, Math.round(wall()));
  function skewMs(): number | undefined {
    const time = times.now();
    return time === undefined ? (file.state().skewMs ?? undefined) : skewAt(time, wall(), monotonic());
  }

  async function timeTold({ sentMs, receivedMs }: Answered<unknown>, gatewayClockMs: number): Promise<void> {
    ports.contact.made();
    await times.learn(betterGatewayTime(times.now(), { sentMs, receivedMs, gatewayClockMs }));
  }

  return {
    isMade: () => made !== undefined,
    skewMs,
    heartbeatEveryMs: () => made?.heartbeatEveryMs ?? wireLimits.heartbeatEveryMs,
    longPollMs: () => made?.longPollMs ?? wireLimits.maxLongPollMs,
    contactMade: () => ports.contact.made(),
    async handshake() {
      const { id, version } = ports.robotType;
      const said = {
        protocolVersion: wireLimits.protocolVersion,
        agentVersion,
        bootId,
        clockMs: clockMs(),
        robotType: { id, version, digest: robotTypeDigest(ports.robotType) },
        installedVersion: ports.installedVersion(),
      };
      const answer = await gateway.handshake(said, ports.policy());
      const { body } = answer;
      await timeTold(answer, body.clockMs);
      await file.change((state) => ({ ...state, policy: body.policy, site: body.site, skewMs: skewMs() ?? null }));
      made = body;
    },
    async heartbeat(recording, isBusy) {
      const seq = file.state().orderSeq;
      const said = {
        bootId,
        clockMs: clockMs(),
        installedVersion: ports.installedVersion(),
        assignmentSeq: isSeq(seq) ? seq : null,
        isBusy,
        waiting: {
          sizeBytes: recording.sizeBytes(),
          segments: recording.waitingSegments(),
          telemetryEntries: recording.telemetry.count(),
        },
        droppedEpisodes: recording.droppedEpisodes(),
      };
      const answer = await gateway.heartbeat(said, ports.policy());
      await timeTold(answer, answer.body.clockMs);
    },
  };
}
