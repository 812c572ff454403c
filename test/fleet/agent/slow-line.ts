import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface SlowLine {
  readonly url: string;
  /** Bytes that went to the robot. */
  readonly sentBytes: () => number;
  close(): void;
}

const pieceBytes = 1_500;
const turnMs = 20;

/** A robot's line: all that comes to it, over all its connections, shares so many bytes a second; each connection has its turn. */
export async function openSlowLine(gatewayUrl: string, bytesPerS: number): Promise<SlowLine> {
  const { hostname, port } = new URL(gatewayUrl);
  const connections = new Set<{ readonly robot: Socket; readonly gateway: Socket }>();
  let sentBytes = 0;
  let allowedBytes = 0;

  function turn(): void {
    allowedBytes = Math.min(allowedBytes + (bytesPerS * turnMs) / 1000, bytesPerS);
    for (let isAnySent = true; isAnySent && allowedBytes >= pieceBytes;) {
      isAnySent = false;
      for (const { robot, gateway } of connections) {
        const waiting = gateway.readableLength;
        if (waiting === 0 || allowedBytes < pieceBytes) continue;
        const piece = gateway.read(Math.min(pieceBytes, waiting)) as Buffer | null;
        if (piece === null) continue;
        robot.write(piece);
        sentBytes += piece.length;
        allowedBytes -= piece.length;
        isAnySent = true;
      }
    }
    for (const each of connections) if (each.gateway.readableEnded || each.gateway.destroyed) each.robot.end();
  }

  const server = createServer((robot) => {
    const gateway = connect(Number(port), hostname);
    const each = { robot, gateway };
    connections.add(each);
    robot.pipe(gateway);
    gateway.on('readable', () => undefined);
    for (const [one, other] of [[robot, gateway] as const, [gateway, robot] as const]) {
      one.once('error', () => other.destroy());
      one.once('close', () => {
        if (one === robot) gateway.destroy();
        connections.delete(each);
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const timer = setInterval(turn, turnMs);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sentBytes: () => sentBytes,
    close() {
      clearInterval(timer);
      for (const { robot, gateway } of connections) for (const socket of [robot, gateway]) socket.destroy();
      server.close();
    },
  };
}
