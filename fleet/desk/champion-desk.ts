import type { ChampionDesk } from '../../activities/champion-desk-port.ts';
import { assignmentReader, type AssignmentReader } from './assignment-reader.ts';
import { trialsOf } from './assignment-record.ts';
import { openDesk, type DeskPorts } from './desk.ts';

/** The desk as the registry needs it: reads whom the fleet obeys, and orders all of it onto a new champion. */
export function championDesk(ports: DeskPorts): ChampionDesk {
  const desk = openDesk(ports);
  const readers = new Map<string, AssignmentReader>();
  return {
    async readOrders(policy) {
      const reader = readers.get(policy) ?? assignmentReader(ports.store, policy);
      readers.set(policy, reader);
      const { seq, current } = await reader.read();
      if (current === undefined) return { seq };
      // In the last stage of a trial the default is the candidate, and the champion alias has moved with it.
      const { defaultVersion: championVersion, operationId, who, why } = current.record;
      return { seq, current: { championVersion, operationId, who, why, trialIds: [...trialsOf(current.record)] } };
    },
    async orderChampion({ policy, seq, version, ...origin }) {
      const { kind } = await desk.write({
        policy,
        seq,
        record: {
          kind: 'assign',
          defaultVersion: version,
          championVersion: version,
          trialId: null,
          urgency: 'whenIdle',
          overrides: [],
          ...origin,
        },
      });
      return kind === 'written' ? 'written' : 'conflict';
    },
  };
}
