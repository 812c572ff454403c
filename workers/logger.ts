import type { LogLevel, LogMetadata, Logger as TemporalLogger } from '@temporalio/worker';
import pino, { type Logger } from 'pino';

/** JSON lines on stderr; stdout stays free for what a command prints. */
export const openLogger = (level: string, name: string): Logger =>
  pino({ level, name, redact: ['*.token', '*.secret', '*.authorization'] }, pino.destination({ dest: 2, sync: true }));

/** How long a repeated message stays folded into its first one. */
const foldMs = 30_000;

/**
 * The SDK's log as ours: while a server is down every poller warns every few seconds, so a message that was written in
 * the last 30 s is only counted, and the count is written with its next line.
 */
export class FoldingLogger implements TemporalLogger {
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #lastLine = new Map<string, { atMs: number; folded: number }>();

  constructor(logger: Logger, nowMs: () => number) {
    this.#logger = logger;
    this.#nowMs = nowMs;
  }

  log(level: LogLevel, message: string, metadata?: LogMetadata): void {
    const key = `${level}:${message.replaceAll(/\d+/g, '#')}`;
    const nowMs = this.#nowMs();
    const last = this.#lastLine.get(key);
    const repeats = level === 'WARN' || level === 'ERROR';
    if (repeats && last !== undefined && nowMs - last.atMs < foldMs) {
      last.folded += 1;
      return;
    }
    if (repeats) {
      if (this.#lastLine.size >= 1_000) this.#lastLine.clear();
      this.#lastLine.set(key, { atMs: nowMs, folded: 0 });
    }
    const folded = last === undefined || last.folded === 0 ? {} : { repeatedMeanwhile: last.folded };
    this.#logger[pinoLevels[level]]({ ...metadata, ...folded }, message);
  }

  trace(message: string, metadata?: LogMetadata): void {
    this.log('TRACE', message, metadata);
  }
  debug(message: string, metadata?: LogMetadata): void {
    this.log('DEBUG', message, metadata);
  }
  info(message: string, metadata?: LogMetadata): void {
    this.log('INFO', message, metadata);
  }
  warn(message: string, metadata?: LogMetadata): void {
    this.log('WARN', message, metadata);
  }
  error(message: string, metadata?: LogMetadata): void {
    this.log('ERROR', message, metadata);
  }
}

const pinoLevels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
