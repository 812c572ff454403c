import type { ObserveFleetResult } from '../../activities/monitor/observe-fleet.ts';
import type { Acknowledgement, MonitorStatus } from './messages.ts';
import { refuse, requireReason } from '../trial/guarded-loop.ts';

/** Words of people that one look takes in; more wait. */
export const mostAcknowledgements = 50;

/** Refuses in words what acknowledges nothing that is open. For validators, so without waiting. */
export function refuseAcknowledgement(word: unknown, { look }: MonitorStatus, inbox: readonly Acknowledgement[]): void {
  requireReason(word);
  const { incidentId, who } = word as Record<string, unknown>;
  if (typeof incidentId !== 'string' || !/^[A-Za-z]+\.[A-Za-z0-9-]+\.\d+$/.test(incidentId))
    refuse('incidentId: expected an id like silent.robot-1.1700000000000, as `flywheel incidents list` shows it');
  if (typeof who !== 'string' || who.trim() === '' || who.length > 200)
    refuse('who: expected the name of the person who has seen it, 1 to 200 characters');
  if (inbox.length >= mostAcknowledgements) refuse('too many acknowledgements wait: try again after the next look');
  if (look === null || look.openIncidents > look.incidents.length) return;
  const known = look.incidents.find((incident) => incident.incidentId === incidentId);
  if (known === undefined) refuse(`there is no open incident ${incidentId}; ${openOnes(look)}`);
  if (known?.acknowledgedBy) refuse(`${incidentId} is acknowledged by ${known.acknowledgedBy} already`);
}

const openOnes = ({ incidents }: ObserveFleetResult): string =>
  incidents.length === 0 ? 'none is open' : `open are ${incidents.map(({ incidentId }) => incidentId).join(', ')}`;
