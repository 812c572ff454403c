import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { wireLimits, type HeartbeatAnswer, type HeartbeatRequest, type ImageCounts } from '../../protocol/index.ts';
import { agentVersion } from '../agent-version.ts';
import type { Contact } from './contact.ts';
import { GatewayError, type Answered, type GatewayClient } from '../gateway-client.ts';
import type { GatewayAdditions } from './gateway-additions.ts';
import type { InstallationFile } from '../versions/installation-file.ts';
import { isSeq } from '../versions/installation.ts';
import type { Recording } from '../recording/recording.ts';
import type { GatewayTimes } from '../local/dating.ts';
import { betterGatewayTime, skewAt, type MonotonicClock, type WallClock } from '../local/times.ts';

export interface ConnectionPorts {
  readonly gateway: GatewayClient;
  readonly additions: GatewayAdditions;
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
  const { gateway, additions, bootId, file, wall, monotonic, times } = ports;
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
      additions.heard(answer.headers);
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
      const answer = await sendHeartbeat(ports, said, recording);
      additions.heard(answer.headers);
      await timeTold(answer, answer.body.clockMs);
    },
  };
}

/** Undefined for a robot without cameras. */
function imageCountsOf({ cameras = [] }: RobotType, { images }: Recording): ImageCounts | undefined {
  if (cameras.length === 0) return undefined;
  const lost = Object.values(images.dropped()).reduce((sum, count) => sum + count, 0);
  return { waitingBytes: images.sizeBytes(), waitingClips: images.waitingClips(), lost };
}

/** With what waits and was lost of images, if the gateway takes that; once more without, if another one does not. */
async function sendHeartbeat(
  { gateway, additions, robotType, policy }: ConnectionPorts,
  said: HeartbeatRequest,
  recording: Recording,
): Promise<Answered<HeartbeatAnswer>> {
  const images = additions.knows('imageCounts') ? imageCountsOf(robotType, recording) : undefined;
  if (images === undefined) return gateway.heartbeat(said, policy());
  try {
    return await gateway.heartbeat({ ...said, images }, policy());
  } catch (cause) {
    if (!(cause instanceof GatewayError) || cause.type !== 'malformed') throw cause;
    additions.refused();
    return gateway.heartbeat(said, policy());
  }
}
