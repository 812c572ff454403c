import type { FastifyBaseLogger } from 'fastify';

import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import {
  beginConsoleSession,
  endConsoleSession,
  endedConsoleSessions,
  forgetConsoleSessions,
  seeConsoleSession,
} from '../../store/records/console-sessions.ts';
import type { BrowserSession } from './sessions.ts';

/** What was ended is out after this long at the latest; an act asks anew. */
const knownForMs = 2_000;
const seenEveryMs = 300_000;
const mostSeen = 10_000;

interface Ports {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  readonly log: FastifyBaseLogger;
}

/** Which sessions of browsers were ended before their time, and which are in use. Where the store does not answer nobody is let in, as with tokens. */
export class SessionDirectory {
  readonly #ports: Ports;
  #known: { readonly atMs: number; readonly ended: Promise<ReadonlySet<string>> } | undefined;
  readonly #seen = new Map<string, number>();
  readonly #notes = new Set<Promise<void>>();

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  async begin({ sessionId, name, role, sinceMs, untilMs }: BrowserSession): Promise<void> {
    const { store, clock } = this.#ports;
    await beginConsoleSession(store, { sessionId, name, role, sinceMs, untilMs });
    await forgetConsoleSessions(store, clock()).catch((error: unknown) => this.#told(error));
  }

  /** Ends it before its time: for this console at once. */
  async end(sessionId: string, word: { readonly who: string; readonly why: string }): Promise<void> {
    const { store, clock } = this.#ports;
    await endConsoleSession(store, { sessionId, ...word, atMs: clock() });
    this.#known = undefined;
  }

  /** Whether it may be used; notes now and then that it is. */
  async isOpen({ sessionId }: BrowserSession, asOf: 'lately' | 'now'): Promise<boolean> {
    const nowMs = this.#ports.monotonicMs();
    if (asOf === 'now' || this.#known === undefined || nowMs - this.#known.atMs > knownForMs) {
      const known = { atMs: nowMs, ended: endedConsoleSessions(this.#ports.store) };
      this.#known = known;
      known.ended.catch(() => {
        if (this.#known === known) this.#known = undefined;
      });
    }
    if ((await this.#known.ended).has(sessionId)) return false;
    this.#see(sessionId, nowMs);
    return true;
  }

  #see(sessionId: string, nowMs: number): void {
    const last = this.#seen.get(sessionId);
    if (last !== undefined && nowMs - last < seenEveryMs) return;
    if (this.#seen.size >= mostSeen) this.#seen.clear();
    this.#seen.set(sessionId, nowMs);
    // No request waits for it, and nothing follows from one that is not written.
    const note = seeConsoleSession(this.#ports.store, sessionId)
      .catch((error: unknown) => this.#told(error))
      .finally(() => this.#notes.delete(note));
    this.#notes.add(note);
  }

  /** When nothing is being noted any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#notes);
  }

  #told(error: unknown): void {
    this.#ports.log.warn({ err: error }, 'a note of a session could not be written');
  }
}
