import { join } from 'node:path';

import { pythonPackagePath } from './python-env.ts';
import { runStep } from './run-step.ts';

// `npm run python-types`: holds the Python package of clients/python, and its examples, to mypy's strict rules.
const report = (line: string): void => void process.stderr.write(`tools: ${line}\n`);
const result = await runStep(
  {
    command: await pythonPackagePath(report),
    arguments: ['-m', 'mypy', '--strict', '--cache-dir', '/dev/null', 'src', 'examples'],
    folder: join(import.meta.dirname, '..', 'clients', 'python'),
    doing: 'checking the types of the Python package',
  },
  report,
);
process.stdout.write(result?.output ?? 'mypy cannot be started\n');
process.exitCode = result?.exitCode ?? 1;
