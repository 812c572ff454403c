import type { Command } from 'commander';

import { contextVariables } from './context-file.ts';
import { asVariables, findSettings } from './find-settings.ts';
import { printJson, printTable, say } from './print.ts';

/** `flywheel context`: which installation commands speak of, and where each setting comes from. */
export function registerContextCommand(program: Command): void {
  program
    .command('context')
    .description('show which installation the commands use, and where each setting comes from')
    .option('--json', 'as JSON', false)
    .action(({ json }: { json: boolean }) => {
      const found = findSettings(process.env, process.cwd());
      const values = asVariables(found.settings);
      const { file = null, leftAside = null, context, origins } = found;
      const rows = contextVariables.map((name) => ({ name, value: values[name] ?? '', origin: origins[name] }));
      const places = Object.entries({
        gateway: context?.gatewayUrl,
        'Temporal UI': context?.uiUrl,
        tokens: context?.tokensFile,
        logs: context?.logsDirectory,
      }).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
      if (json) return printJson({ file, leftAside, settings: rows, places });
      say(file === null ? `no context file in ${found.places.join(', ')}` : `context file ${file}`);
      if (leftAside !== null) say(`left aside: ${leftAside}`);
      printTable(
        ['setting', 'value', 'from'],
        [
          ...rows.map(({ name, value, origin }) => [name, value, origin]),
          ...places.map(({ name, value }) => [name, value, 'context file']),
        ],
      );
    });
}
