import type { Command } from 'commander';

import type { QuarantineRecord } from '../activities/collection/quarantine.ts';
import { robotTypeOfPolicy } from '../activities/registry/policy-document.ts';
import { defaultPolicy } from '../activities/default-policy.ts';
import { openContext } from './context.ts';
import { registerCheckCommand } from './data-check.ts';
import { registerCompactCommand } from './data-compact.ts';
import { registerEraseCommands } from './data-erase.ts';
import { registerExclusionCommands } from './data-exclude.ts';
import { registerHoldCommands } from './data-hold.ts';
import { registerLandingCommands } from './data-landing.ts';
import { registerMisclassifiedCommand } from './data-misclassified.ts';
import { registerQualityCommand } from './data-quality.ts';
import { printJson, printTable, say } from './print.ts';
import { printable } from './printable.ts';
import { registerRetentionCommand } from './retention.ts';

/** `flywheel data …`: what the lake holds and what waits for a person. */
export function registerDataCommands(program: Command): void {
  const data = program.command('data').description('waiting data, the lake and refused data');
  registerCheckCommand(data);
  registerLandingCommands(data);
  registerRetentionCommand(data);
  registerHoldCommands(data);
  registerEraseCommands(data);
  registerCompactCommand(data);
  registerExclusionCommands(data);

  registerVersion(data);
  registerNeedsLabel(data);
  registerMisclassifiedCommand(data);
  registerQualityCommand(data);
  registerQuarantine(data);
}

function registerVersion(data: Command): void {
  data
    .command('version')
    .description('show the newest dataset version')
    .option('--json', 'as JSON', false)
    .action(async (options: { json: boolean }) => {
      const version = await (await openContext()).lake.currentVersion();
      if (options.json) printJson(version);
      else say(`episodes ${version.episodes}, frames ${version.frames}`);
    });
}

function registerNeedsLabel(data: Command): void {
  data
    .command('needs-label')
    .description(
      'list episodes with frames that have no label, the most valuable first: failures, what somebody took over, tasks that fail often',
    )
    .option('--policy <name>', 'policy whose robots to list', defaultPolicy)
    .option('--limit <count>', 'maximum number of episodes', '50')
    .option('--json', 'as JSON', false)
    .action(async (options: { policy: string; limit: string; json: boolean }) => {
      const limit = Number(options.limit);
      if (!Number.isInteger(limit) || limit < 1 || limit > 100_000)
        throw new Error(`--limit: expected a whole number from 1 to 100000, got ${options.limit}`);
      const context = await openContext();
      const robotType = await robotTypeOfPolicy(context.store, options.policy);
      const datasetVersion = await context.lake.currentVersion();
      const { listNeedsLabel } = await import('../activities/mix/list-needs-label.ts');
      const result = await listNeedsLabel(context)({ robotType, datasetVersion, limit });
      if (options.json) return printJson(result);
      say(`${result.totalEpisodes} episodes, ${result.totalFrames} frames need a label`);
      printTable(
        ['episode', 'robot', 'task', 'outcome', 'day', 'frames', 'unlabelled', 'value', 'why'],
        result.episodes.map((episode) => [
          episode.episodeId,
          episode.robotId,
          episode.task,
          episode.outcome,
          episode.recordedOn,
          episode.frames,
          episode.unlabelledFrames,
          episode.value.toFixed(1),
          episode.reasons.join('; '),
        ]),
      );
    });
}

function registerQuarantine(data: Command): void {
  data
    .command('quarantine')
    .description('list what validation refused and why; release a segment with the workflow releaseQuarantine')
    .option('--json', 'as JSON', false)
    .action(async (options: { json: boolean }) => {
      const { store } = await openContext();
      const { quarantined, quarantineKeyOf } = await import('../activities/collection/quarantine.ts');
      const entries: { key: string; detail: QuarantineRecord }[] = [];
      for await (const detail of quarantined(store, undefined, sayDamaged))
        entries.push({ key: quarantineKeyOf(detail.cycleId, detail.sha256, 'json'), detail });
      if (options.json) return printJson(entries);
      printTable(
        ['rule', 'found', 'expected', 'episode', 'frame', 'robot', 'object'],
        entries.flatMap(({ key, detail }) =>
          detail.violations
            .slice(0, maxShownViolations)
            .map(({ rule, value, expected, episodeId, row }) => [
              rule,
              value,
              expected,
              episodeId ?? 'whole segment',
              row ?? '',
              detail.robotId,
              key,
            ]),
        ),
      );
      const left = entries.reduce((sum, { detail }) => sum + notShown(detail), 0);
      if (left > 0) say(`these objects have ${left} more violations: use --json`);
    });
}

const sayDamaged = (key: string): void => void process.stderr.write(`${printable(key)}: this record cannot be read\n`);

/** Of one object; the rest is counted. */
const maxShownViolations = 5;
const notShown = ({ violations, violationsNotListed }: QuarantineRecord): number =>
  violationsNotListed + Math.max(0, violations.length - maxShownViolations);
