import type { SqlEngine, SqlSession } from '../activities/ports/sql.ts';
import { ConsoleError } from './errors.ts';

/** Questions at once; each holds an SQL session. */
const mostQuestions = 2;
const mostWaiting = 20;
const defaultLimitMs = 20_000;

interface QuestionsPorts {
  readonly engine: SqlEngine;
  /** How long one question may take, ms; default: 20 s. */
  readonly questionLimitMs?: number;
}

/** Questions in SQL: two run at a time, the others wait; what would wait behind twenty is refused, and what takes too long is stopped. */
export class Questions {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #ports: QuestionsPorts;

  constructor(ports: QuestionsPorts) {
    this.#ports = ports;
  }

  /** Asks by an engine whose statements end when the question's time is over. */
  async ask<T>(question: (engine: SqlEngine) => Promise<T>): Promise<T> {
    await this.#begin();
    try {
      return await this.#inTime(question);
    } finally {
      const next = this.#waiting.shift();
      // Whoever waits takes the place over.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  async #begin(): Promise<void> {
    if (this.#running < mostQuestions) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= mostWaiting)
      throw new ConsoleError('tooMany', 'too many questions at once', { retryAfterMs: 5_000 });
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #inTime<T>(question: (engine: SqlEngine) => Promise<T>): Promise<T> {
    const { engine, questionLimitMs = defaultLimitMs } = this.#ports;
    const open = new Set<SqlSession>();
    let isOver = false;
    const tooLong = (cause?: unknown): ConsoleError =>
      new ConsoleError(
        'tooMany',
        `the question took longer than ${questionLimitMs / 1_000} s and was stopped: ask about a shorter time`,
        { retryAfterMs: 30_000, cause },
      );
    const timer = setTimeout(() => {
      isOver = true;
      for (const session of open) session.interrupt();
    }, questionLimitMs);
    try {
      return await question({
        open: async (options) => {
          if (isOver) throw tooLong();
          const session = await engine.open(options);
          open.add(session);
          return {
            ...session,
            rows: async (sql) => {
              if (isOver) throw tooLong();
              return session.rows(sql);
            },
            close: async () => {
              open.delete(session);
              await session.close();
            },
          };
        },
      });
    } catch (error) {
      throw isOver ? tooLong(error) : error;
    } finally {
      clearTimeout(timer);
    }
  }
}
