import type { ChildProcess } from 'node:child_process';

const idleMs = 20_000;
const beatMs = 500;

/** How one job of a child is followed; `Answer` is what ends it. */
export interface FollowedJob<Message, Answer> {
  /** Hands the job over. What cannot be sent shows as the process's end. */
  readonly send: () => void;
  /** The answer in a message of the child; undefined: progress. */
  readonly answerIn: (message: Message) => Answer | undefined;
  /** Every half second; what it throws ends the child, and the job with that. */
  readonly beat: () => void;
  /** The child is ended when nothing is heard of it for so long, and when the job takes longer in all. */
  readonly silenceLimitMs: number;
  readonly timeLimitMs: number;
  /** What the job comes to when the child ends by itself, and when it is ended for its limits after so many milliseconds. */
  readonly ended: (code: number | null, signal: NodeJS.Signals | null) => Answer;
  readonly overdue: (tookMs: number) => Answer;
}

/** A process that does one job at a time, and is used for the next one. */
export class ReusedChild {
  readonly child: ChildProcess;
  readonly #kill: () => void;
  #isAlive = true;
  #resting: NodeJS.Timeout | undefined;

  /** `kill` ends the process and what it started; it may throw when they have ended. */
  constructor(child: ChildProcess, kill: () => void) {
    this.child = child;
    this.#kill = kill;
    child.once('exit', () => this.end());
    child.on('error', () => this.end());
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Ends the process when it is not used again; it keeps no other process from ending. */
  rest(onEnd: () => void): void {
    this.child.unref();
    this.child.channel?.unref();
    this.#resting = setTimeout(() => {
      onEnd();
      this.end();
    }, idleMs).unref();
  }

  follow<Message, Answer>(job: FollowedJob<Message, Answer>): Promise<Answer> {
    const { child } = this;
    clearTimeout(this.#resting);
    child.ref();
    child.channel?.ref();
    const startMs = performance.now();
    let heardMs = startMs;
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        clearInterval(timer);
        child.removeAllListeners('message');
        child.removeListener('exit', onExit);
        act();
      };
      const onExit = (code: number | null, signal: NodeJS.Signals | null): void =>
        finish(() => resolve(job.ended(code, signal)));
      const onBeat = (): void => {
        try {
          job.beat();
        } catch (error) {
          this.end();
          finish(() => reject(error instanceof Error ? error : new Error(String(error))));
          return;
        }
        const nowMs = performance.now();
        if (nowMs - heardMs <= job.silenceLimitMs && nowMs - startMs <= job.timeLimitMs) return;
        this.end();
        finish(() => resolve(job.overdue(nowMs - startMs)));
      };
      const timer = setInterval(onBeat, Math.min(beatMs, job.silenceLimitMs, job.timeLimitMs));
      child.on('message', (message: Message) => {
        heardMs = performance.now();
        const answer = job.answerIn(message);
        if (answer !== undefined) finish(() => resolve(answer));
      });
      child.once('exit', onExit);
      if (this.#isAlive) job.send();
      else onExit(child.exitCode, child.signalCode);
    });
  }

  end(): void {
    this.#isAlive = false;
    clearTimeout(this.#resting);
    try {
      this.#kill();
    } catch {
      // It has ended.
    }
  }
}

/** Children that rest between jobs: the last one used that still lives works first, a new one where none rests. */
export class RestingChildren<Child extends { readonly process: ReusedChild }> {
  readonly #idle: Child[] = [];
  readonly #make: () => Child;

  constructor(make: () => Child) {
    this.#make = make;
  }

  /** `isFresh`: in a process that did nothing before. */
  async use<T>(work: (child: Child) => Promise<T>, { isFresh = false } = {}): Promise<T> {
    const child = (isFresh ? undefined : this.#awake()) ?? this.#make();
    try {
      return await work(child);
    } finally {
      if (child.process.isAlive) {
        this.#idle.push(child);
        child.process.rest(() => this.#idle.splice(this.#idle.indexOf(child), 1));
      }
    }
  }

  #awake(): Child | undefined {
    for (let child = this.#idle.pop(); child !== undefined; child = this.#idle.pop())
      if (child.process.isAlive) return child;
    return undefined;
  }
}
