import { userInfo } from 'node:os';

import type { Command } from 'commander';

import { removeFromLanding, waitingSegments } from '../activities/collection/removed-segments.ts';
import { openContext } from './context.ts';
import { printJson, printTable, say } from './print.ts';

interface ListOptions {
  readonly robot?: string;
  readonly limit: string;
  readonly json: boolean;
}

/** `flywheel data landing …`: what robots uploaded and no collection has taken in yet. */
export function registerLandingCommands(data: Command): void {
  const landing = data.command('landing').description('uploaded segments that no collection has read yet');

  landing
    .command('list')
    .description('list waiting objects in the order of their collection')
    .option('--robot <id>', 'only those of one robot')
    .option('--limit <count>', 'maximum number of objects', '1000')
    .option('--json', 'as JSON', false)
    .action(async (options: ListOptions) => {
      const limit = Number(options.limit);
      if (!Number.isInteger(limit) || limit < 1)
        throw new Error(`--limit: expected a whole number from 1 on, got ${options.limit}`);
      const { store } = await openContext();
      const listed: { key: string; sizeBytes: number; receivedMs: number }[] = [];
      let [objects, sizeBytes] = [0, 0];
      for await (const { key, sizeBytes: size, modifiedMs } of waitingSegments(store, options.robot)) {
        if (objects < limit) listed.push({ key, sizeBytes: size, receivedMs: Math.floor(modifiedMs) });
        objects++;
        sizeBytes += size;
      }
      if (options.json) return printJson({ objects, sizeBytes, listed });
      say(`${objects} objects, ${sizeBytes} bytes wait`);
      printTable(
        ['object', 'bytes', 'received'],
        listed.map((entry) => [entry.key, entry.sizeBytes, new Date(entry.receivedMs).toISOString()]),
      );
    });

  landing
    .command('remove')
    .description(
      'remove one object from landing, whatever the state of the collection; its bytes are kept under removed/',
    )
    .argument('<key>', 'as `data landing list` shows it')
    .requiredOption('--reason <text>', 'why; kept with the bytes')
    .option('--json', 'as JSON', false)
    .action(async (landingKey: string, options: { reason: string; json: boolean }) => {
      const { store, clock } = await openContext();
      const who = userInfo().username;
      const removal = await removeFromLanding({ store, clock }, { landingKey, who, reason: options.reason });
      if (options.json) return printJson(removal);
      say(`${removal.landingKey} is removed from landing; its bytes are kept as ${removal.removedKey}`);
    });
}
