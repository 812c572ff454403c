import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import type { Agent, AgentOptions } from '../../../fleet/agent/index.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { openTestFleet, type TestFleet } from '../../support/gateway.ts';
import { openRobot, temporaryDirectory } from '../agent/robot.ts';

/** A fleet with real gateways, and robot `r1` of it with a disk of its own. */
export class GatewayWorld {
  fleet!: TestFleet;
  agent: Agent | undefined;
  readonly #seeds: readonly number[];
  #folder!: Awaited<ReturnType<typeof temporaryDirectory>>;

  constructor(seeds: readonly number[]) {
    this.#seeds = seeds;
  }

  get directory(): string {
    return this.#folder.directory;
  }

  async begin(): Promise<void> {
    this.fleet = await openTestFleet();
    this.#folder = await temporaryDirectory();
    for (const seed of this.#seeds) await this.fleet.register(tinyPolicy(scitosG5Type, seed));
  }

  async end(): Promise<void> {
    await this.agent?.close();
    this.agent = undefined;
    await this.fleet.close();
    await this.#folder.remove();
  }

  /** Adds the robot to the fleet and starts its agent, which trusts the fleet's root document unless told otherwise. */
  async open(gatewayUrl: string, options: Partial<AgentOptions> = {}): Promise<Agent> {
    const token = await this.fleet.addRobot('r1');
    const trust = options.publicKeyPem === undefined ? { root: this.fleet.rootDocument } : {};
    this.agent = await openRobot({
      robotId: 'r1',
      token,
      gatewayUrl,
      directory: this.directory,
      ...trust,
      ...options,
    });
    return this.agent;
  }
}

/** A new one for every test of the suite that calls this, with a registered model for each seed; the first is champion. */
export function gatewayWorld(...seeds: readonly number[]): GatewayWorld {
  const world = new GatewayWorld(seeds);
  beforeEach(() => world.begin());
  afterEach(() => world.end());
  return world;
}
