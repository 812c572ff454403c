import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { writeAgentNote, type AgentNote } from '../desk/transfer-robot.ts';

/** Writes down what agents say of themselves, once for each that says something new; this gateway forgets the oldest beyond its bound. */
export interface AgentNotes {
  said(robotId: string, about: Pick<AgentNote, 'agentVersion' | 'knowsTransfers'>): Promise<void>;
}

const maxRemembered = 20_000;

export function agentNotes(ports: {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}): AgentNotes {
  const known = new Map<string, string>();
  return {
    async said(robotId, about) {
      const text = JSON.stringify(about);
      if (known.get(robotId) === text) return;
      try {
        await writeAgentNote(ports.store, { robotId, ...about, atMs: ports.clock() });
      } catch (error) {
        // A robot begins its life whether or not this can be written down; it is tried again with its next one.
        return ports.onError(error);
      }
      const [oldest] = known.keys();
      if (known.size >= maxRemembered && oldest !== undefined) known.delete(oldest);
      known.set(robotId, text);
    },
  };
}
