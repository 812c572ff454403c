import type { RobotType } from '../../datasets/robot-type.ts';
import { sqlName, sqlText } from '../../datasets/sql-types.ts';
import { guardedBeginnings } from '../../datasets/importers/text-guard.ts';
import { exportParts } from './export-parts.ts';
import { framesOfPart, type ExportInput, type ExportPorts, type ExportSummary } from './picked-episodes.ts';

/**
 * Writes the episodes of a filter as text tables, a row a frame, with the robot type and an import map beside them: `flywheel import csv`
 * reads them back. Streamed: memory is that of the SQL session. Idempotent: the same version and filter give the same files.
 */
export const exportCsv = (ports: ExportPorts, input: ExportInput): Promise<ExportSummary> =>
  exportParts(ports, input, {
    format: 'csv',
    importMap: mapOf(input.robotType),
    write: async (part, file) => {
      await ports.session.run(`COPY (SELECT ${columnsOf(input.robotType)} FROM ${await framesOfPart(ports, input, part)}
      ORDER BY e.number, f.frame_index) TO ${sqlText(file)} (FORMAT csv, HEADER, NULL '', FORCE_QUOTE (site, failure_reason))`);
    },
  });

const beginsGuarded = sqlText(`^[${guardedBeginnings}]`);
/** A text with an apostrophe before it where a spreadsheet would take it for a formula: robots write some of them. */
const guarded = (text: string): string =>
  `CASE WHEN regexp_matches(${text}, ${beginsGuarded}) THEN chr(39) || ${text} ELSE ${text} END`;

function columnsOf({ observations, actions }: RobotType): string {
  const names = actions.kind === 'discrete' ? `[${actions.names.map(sqlText).join(', ')}]` : '';
  const action = (from: string, prefix: string): readonly string[] => {
    if (actions.kind === 'none') return [];
    if (actions.kind === 'discrete') return [`${guarded(`${names}[${from}[1]::INTEGER + 1]`)} AS ${prefix}`];
    return actions.ranges.map(({ name }, index) => `${from}[${index + 1}] AS ${sqlName(`${prefix}.${name}`)}`);
  };
  return [
    'e.episode_id',
    ...['robot_id', 'site', 'task', 'policy_version', 'outcome', 'failure_reason'].map(
      (name) => `${guarded(`e.${name}`)} AS ${name}`,
    ),
    'e.intervened, e.split, f.frame_index',
    `strftime(f.timestamp, '%Y-%m-%dT%H:%M:%S.%fZ') AS timestamp`,
    ...observations.map(({ name }, index) => `f.observation[${index + 1}] AS ${sqlName(`observation.${name}`)}`),
    ...action('f."action"', 'action'),
    ...action('f.expert_action', 'expert_action'),
    'f.is_correction',
  ].join(', ');
}

function mapOf({ id, observations, actions }: RobotType): object {
  return {
    source: id,
    site: { column: 'site' },
    csv: { guarded: true },
    robot: { column: 'robot_id' },
    task: { column: 'task' },
    time: { column: 'timestamp', kind: 'iso' },
    episodes: { by: { kind: 'column', column: 'episode_id' }, idColumn: 'episode_id' },
    observations: observations.map(({ name }) => ({ name, column: `observation.${name}` })),
    actions:
      actions.kind === 'continuous'
        ? { kind: 'continuous', ranges: actions.ranges.map(({ name }) => ({ name, column: `action.${name}` })) }
        : actions.kind === 'discrete'
          ? { kind: 'discrete', column: 'action' }
          : { kind: 'none' },
    success: { kind: 'said', outcome: 'outcome', reason: 'failure_reason' },
  };
}
