import { unknownSettings } from '../../workers/known-settings.ts';
import { devUsage, parseDevOptions } from '../options.ts';

// temporal-dev.sh runs this before it installs anything: what is misspelt is told at once. Exit codes: 0 go on, 1 wrong, 2 help was shown.

function look(): number {
  const wrong = [...unknownSettings(process.env)];
  try {
    if (parseDevOptions(process.argv.slice(2)) === 'help') {
      process.stdout.write(`${devUsage}\n`);
      return 2;
    }
  } catch (error) {
    wrong.push(error instanceof Error ? error.message : String(error));
  }
  for (const sentence of wrong) process.stderr.write(`temporal-dev.sh: ${sentence}\n`);
  return wrong.length === 0 ? 0 : 1;
}

process.exitCode = look();
