import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { waitUntil } from '../../../demo/processes.ts';
import { isAlive } from '../../support/is-alive.ts';

const script = fileURLToPath(new URL('../../../temporal-dev.sh', import.meta.url));
const orphanLimitMs = 60_000;

interface Lock {
  readonly supervisor: { readonly pid: number };
  readonly children: readonly { readonly name: string; readonly pid: number }[];
}

/** `temporal-dev.sh` on a state folder, started again when the operator killed its supervisor. */
export class RunningScript {
  readonly #options: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  readonly #state: string;
  #child: ChildProcess;
  #output = '';
  #isKilled = false;
  /** Ends that nobody asked for. */
  readonly exits: string[] = [];

  constructor(state: string, options: readonly string[], environment: NodeJS.ProcessEnv) {
    [this.#state, this.#options, this.#environment] = [state, options, environment];
    this.#child = this.#start();
  }

  get output(): string {
    return this.#output;
  }

  #start(): ChildProcess {
    const child = spawn(script, ['--state', this.#state, ...this.#options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#environment,
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (this.#output += bytes.toString()));
    child.once('exit', (code, signal) => {
      if (!this.#isKilled) this.exits.push(`ended with ${signal ?? code}`);
    });
    return child;
  }

  /** Resolves when the output has it, counted from `since` characters on. */
  says(text: string, limitMs: number, since = 0): Promise<void> {
    return waitUntil(
      async () => this.#output.includes(text, since) || this.exits.length > 0,
      () => `"${text}" in:\n${this.#output.slice(-4_000)}`,
      limitMs,
    );
  }

  #lock(): Lock | undefined {
    const file = path.join(this.#state, 'dev.lock.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Lock) : undefined;
  }

  pids(): readonly { readonly name: string; readonly pid: number }[] {
    return this.#lock()?.children ?? [];
  }

  /** Kills the supervisor, sees that nobody is left, and starts the script again. */
  async killSupervisor(signal: NodeJS.Signals): Promise<void> {
    const left = this.pids();
    const exit = once(this.#child, 'exit');
    this.#isKilled = true;
    this.#child.kill(signal);
    await exit;
    await nobodyLeft(left.map(({ pid }) => pid));
    this.#isKilled = false;
    const since = this.#output.length;
    this.#child = this.#start();
    await this.says('Temporal UI', 240_000, since);
  }

  /** Ctrl-C; gives the exit code. */
  async stop(): Promise<number | null> {
    const left = this.pids();
    this.#isKilled = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGINT');
    const [code] = (await exit) as [number | null];
    await nobodyLeft(left.map(({ pid }) => pid));
    return code;
  }
}

const nobodyLeft = (pids: readonly number[]): Promise<void> =>
  waitUntil(
    async () => !pids.some(isAlive),
    () => `the end of every child, got ${pids.filter(isAlive).join(', ')} still there`,
    orphanLimitMs,
    200,
  );
