import type { MonitorStatus } from './messages.ts';

/** The live story of the monitor as Markdown, for the details panel of the Temporal UI. Pure: status in, text out. */
export function describeMonitor(status: MonitorStatus): string {
  const { look, lastTrigger, trouble } = status;
  const lines = [
    `**${status.policy || 'policy'}** · look ${status.looks}`,
    trouble === null ? undefined : `> the last look failed: ${trouble}`,
    '',
    look === null
      ? 'Nothing seen yet'
      : `Champion ${look.champion ?? 'none'} · ${look.robots} robots, ${look.silentRobots} silent, ${look.robotsOnTrial} on trial${look.notServedRobots === undefined ? '' : `, ${look.notServedRobots} not served by the champion`}${look.presence === 'unknown' ? ' · no gateway says who is online' : ''}`,
    look === null
      ? undefined
      : `Failures: ${percent(look.failureFraction.current)} now, ${percent(look.failureFraction.reference)} in the week before`,
    '',
    look === null || look.openIncidents === 0 ? 'No open incident' : `${look.openIncidents} open incidents`,
    ...(look?.incidents ?? []).map(
      ({ incidentId, reason, acknowledgedBy }) =>
        `- \`${incidentId}\`: ${reason}${acknowledgedBy === null ? '' : ` (seen by ${acknowledgedBy})`}`,
    ),
    '',
    `What robots see: ${status.drift ?? 'not looked at yet'}`,
    look === null || look.rollback.kind === 'none' ? undefined : `Rollback: ${look.rollback.reason}`,
    lastTrigger === null ? undefined : `Last cycle started: \`${lastTrigger.workflowId}\`, ${lastTrigger.cause}`,
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

const percent = (fraction: number | null): string =>
  fraction === null ? 'unknown' : `${(100 * fraction).toFixed(1)} %`;
