import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { reservedDataBytes } from '../../../policies/child-node.ts';
import type { Tensors } from '../../../policies/runtime.ts';
import {
  SessionLost,
  type OpenOptions,
  type PolicyRuntime,
  type PolicySession,
  type SeeingResults,
} from '../versions/policy-runtime.ts';
import { BadImage, type PictureFeed } from '../versions/robot-images.ts';
import type { InferenceAnswer, InferenceRequest, OpenedModel } from './inference-messages.ts';

export interface IsolationOptions {
  /** Most memory of the process that runs a model, beside four times the model itself; 1 GiB unless given. Held on Linux. */
  readonly memoryBytes?: number;
  /** Threads of the model's graph; one unless given: the rest of the robot keeps its cores. */
  readonly threads?: number;
}

const defaultMemoryBytes = 1024 ** 3;
/** A runtime holds the bytes it reads, its own copy of the weights, and what it packs of them. */
const copiesOfModel = 4;
const program = fileURLToPath(new URL('inference-process.ts', import.meta.url));
/** Of what the process complains about, the end is told. */
const mostComplaintLength = 500;

/**
 * PolicyRuntime that runs each model in a process of its own, with a limit on its memory, an empty environment and the model's own
 * folder as working directory. A model that hangs, in loading or in a run, ends with its process: a thread could not be ended while
 * it is inside the runtime. A round trip costs about 0.1 ms.
 */
export const isolatedPolicyRuntime = ({
  memoryBytes = defaultMemoryBytes,
  threads = 1,
}: IsolationOptions = {}): PolicyRuntime => ({
  async open(model, options = {}) {
    const process = new InferenceProcess(memoryBytes + copiesOfModel * model.length, options);
    try {
      const source = options.file === undefined ? { bytes: model } : { file: path.resolve(options.file) };
      const { inputs, outputs } = await process.open(source, threads);
      return {
        inputs,
        outputs,
        run: async (feeds) => (await process.run(feeds)).results,
        runSeeing: (feeds, pictures) => process.run(feeds, pictures),
        scale: (pictures) => process.scale(pictures),
        close: () => process.end(),
      } satisfies PolicySession;
    } catch (cause) {
      await process.end();
      throw cause;
    }
  },
});

interface Waiting {
  readonly resolve: (answer: InferenceAnswer) => void;
  readonly reject: (cause: Error) => void;
}

class InferenceProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #lost: SessionLost | undefined;
  #complaint = '';
  #nextId = 0;

  constructor(memoryBytes: number, { file, signal }: OpenOptions) {
    const cwd = file === undefined ? tmpdir() : path.dirname(path.resolve(file));
    const limitKiB = String(Math.ceil((reservedDataBytes() + memoryBytes) / 1024));
    this.#child = spawn('/bin/sh', ['-c', limited, 'sh', limitKiB, process.execPath, program], {
      cwd,
      env: environment(),
      stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    const end = (): void => void this.#child.kill('SIGKILL');
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted === true) end();
    this.#ended = new Promise((resolve) => {
      const lose = (how: string): void => {
        signal?.removeEventListener('abort', end);
        this.#lose(how);
        resolve();
      };
      this.#child.once('exit', (code, killer) => lose(killer ?? `code ${code}`));
      this.#child.once('error', (cause) => lose(cause.message));
    });
    this.#child.stderr?.on('data', (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString('utf8')).slice(-mostComplaintLength);
    });
    this.#child.stdin?.on('error', () => undefined);
    this.#child.on('message', (answer: InferenceAnswer) => {
      this.#waiting.get(answer.id)?.resolve(answer);
      this.#waiting.delete(answer.id);
    });
  }

  async open(model: { readonly file: string } | { readonly bytes: Uint8Array }, threads: number): Promise<OpenedModel> {
    const answer = await this.#ask({ id: this.#nextId++, kind: 'open', model, threads });
    if ('opened' in answer) return answer.opened;
    throw new Error('error' in answer ? answer.error : 'expected an opened model, got another answer');
  }

  async run(feeds: Tensors, pictures: readonly PictureFeed[] = []): Promise<SeeingResults> {
    const seen = pictures.length === 0 ? {} : { pictures };
    return this.#results({ id: this.#nextId++, kind: 'run', feeds, ...seen });
  }

  async scale(pictures: readonly PictureFeed[]): Promise<Omit<SeeingResults, 'results'>> {
    return this.#results({ id: this.#nextId++, kind: 'scale', pictures });
  }

  async #results(request: InferenceRequest): Promise<SeeingResults> {
    const answer = await this.#ask(request);
    if ('results' in answer) return answer;
    if ('badImage' in answer)
      throw new BadImage(`expected images that can be decoded, got another: ${answer.badImage}`);
    throw new Error('error' in answer ? answer.error : 'expected results, got another answer');
  }

  /** Kills the process: it holds nothing that would have to be kept. */
  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #ask(request: InferenceRequest): Promise<InferenceAnswer> {
    if (this.#lost !== undefined) throw this.#lost;
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject });
      this.#child.send(request, (cause) => {
        if (cause !== null && !this.#child.killed) this.#child.kill('SIGKILL');
      });
    });
  }

  #lose(how: string): void {
    const complaint = this.#complaint.trim();
    this.#lost = new SessionLost(
      `the process that ran the model ended: ${how}${complaint === '' ? '' : `: ${complaint}`}`,
    );
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
    this.#waiting.clear();
  }
}

/** The limit is on the process's own data, in KiB; no core files, which would fill the robot's disk. */
const limited = 'ulimit -c 0 2>/dev/null; ulimit -d "$1" 2>/dev/null; shift; exec "$@"';

/** What the process needs to find libraries and a place for temporary files: nothing that is secret. */
function environment(): NodeJS.ProcessEnv {
  const names = ['LD_LIBRARY_PATH', 'TMPDIR'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
