import { userInfo } from 'node:os';

import type { Command } from 'commander';

import { readExclusions, setEpisodeStanding, type EpisodeStanding } from '../activities/mix/exclusions.ts';
import { sqlText } from '../datasets/sql-types.ts';
import { openContext, type CommandContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { printJson, printTable, say } from './print.ts';

interface WordOptions {
  readonly reason: string;
  readonly json: boolean;
}

/** `flywheel data exclude|include|exclusions`: what persons say of single episodes. */
export function registerExclusionCommands(data: Command): void {
  data
    .command('exclude')
    .description(
      'exclude one stored episode from every later training set and measurement; undo it with `data include`',
    )
    .argument('<episode-id>', 'its ULID')
    .requiredOption('--reason <text>', 'why; kept in the log')
    .option('--doubtful', 'use it for training, but not for measurement', false)
    .option('--json', 'as JSON', false)
    .action((episodeId: string, options: WordOptions & { doubtful: boolean }) =>
      speak(episodeId, options.doubtful ? 'doubtful' : 'excluded', options),
    );

  data
    .command('include')
    .description('undo `data exclude` for an episode')
    .argument('<episode-id>', 'its ULID')
    .requiredOption('--reason <text>', 'why; kept in the log')
    .option('--json', 'as JSON', false)
    .action((episodeId: string, options: WordOptions) => speak(episodeId, 'included', options));

  data
    .command('exclusions')
    .description('list excluded and doubtful episodes, with who and why')
    .option('--json', 'as JSON', false)
    .action(async (options: { json: boolean }) => {
      const { holding } = await readExclusions((await openContext()).store);
      const left = holding.filter(({ standing }) => standing !== 'included');
      if (options.json) return printJson(left);
      printTable(
        ['episode', 'standing', 'who', 'reason', 'since'],
        left.map((entry) => [
          entry.episodeId,
          entry.standing,
          entry.who,
          entry.reason,
          new Date(entry.atMs).toISOString(),
        ]),
      );
    });
}

async function speak(episodeId: string, standing: EpisodeStanding, options: WordOptions): Promise<void> {
  const context = await openContext();
  if (!(await isStored(context, episodeId))) {
    throw new CommandError('wrong', `expected the id of an episode in the lake, got ${episodeId.slice(0, 64)}`);
  }
  const word = await setEpisodeStanding(context, {
    episodeId,
    standing,
    who: userInfo().username,
    reason: options.reason,
  });
  if (options.json) return printJson(word);
  say(`${episodeId} is ${word.standing}, from the next training set on`);
}

async function isStored({ lake, engine }: CommandContext, episodeId: string): Promise<boolean> {
  const { episodes } = await lake.currentVersion();
  const session = await engine.open();
  try {
    const rows = await session.rows(
      `SELECT 1 FROM ${await lake.scan('episodes', episodes)} WHERE episode_id = ${sqlText(episodeId)} LIMIT 1`,
    );
    return rows.length > 0;
  } finally {
    await session.close();
  }
}
