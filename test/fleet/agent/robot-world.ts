import type { Agent, AgentOptions } from '../../../fleet/agent/index.ts';
import type { InstallReport } from '../../../fleet/protocol/index.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import { fleetKeys } from './fleet-keys.ts';
import { openRobot, robotId, temporaryDirectory, token, until } from './robot.ts';

/** One robot with a disk of its own, and a gateway in memory. */
export class RobotWorld {
  readonly keys = fleetKeys();
  gateway!: FakeGateway;
  agent: Agent | undefined;
  /** Added to the robot's clocks: the one that only runs on, and the one that tells the time. */
  aheadMs = 0;
  wallAheadMs = 0;
  readonly #usual: Partial<AgentOptions>;
  #folder!: Awaited<ReturnType<typeof temporaryDirectory>>;

  constructor(usual: Partial<AgentOptions>) {
    this.#usual = usual;
  }

  get directory(): string {
    return this.#folder.directory;
  }

  async begin(): Promise<void> {
    this.gateway = await startFakeGateway(robotId, token);
    this.#folder = await temporaryDirectory();
    this.aheadMs = 0;
    this.wallAheadMs = 0;
  }

  async end(): Promise<void> {
    await this.agent?.close();
    this.agent = undefined;
    await this.gateway.stop();
    await this.#folder.remove();
  }

  /** Starts the robot's agent, on the disk that it had before. */
  async open(options: Partial<AgentOptions> = {}): Promise<Agent> {
    this.agent = await openRobot({
      gatewayUrl: this.gateway.url,
      directory: this.directory,
      publicKeyPem: this.keys.publicKeyPem,
      monotonic: () => performance.now() + this.aheadMs,
      clock: () => Date.now() + this.wallAheadMs,
      ...this.#usual,
      ...options,
      limits: { ...this.#usual.limits, ...options.limits },
    });
    return this.agent;
  }

  runs(version: string, limitMs?: number): Promise<void> {
    return until(`runs ${version}`, () => this.agent?.policy()?.version === version, limitMs);
  }

  /** Whether the gateway was told of an install that has these facts. */
  isTold(wanted: Partial<InstallReport>): boolean {
    return this.gateway.reports.some((report) =>
      Object.entries(wanted).every(([key, value]) => report[key as keyof InstallReport] === value),
    );
  }

  told(wanted: Partial<InstallReport>): Promise<void> {
    return until(`told ${JSON.stringify(wanted)}`, () => this.isTold(wanted));
  }
}

/** A new one for every test of the suite that calls this; `usual` are the options that its agents have besides. */
export function robotWorld(usual: Partial<AgentOptions> = {}): RobotWorld {
  const world = new RobotWorld(usual);
  beforeEach(() => world.begin());
  afterEach(() => world.end());
  return world;
}
