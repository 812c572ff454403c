import { join } from 'node:path';

import { pythonPackagePath } from './python-env.ts';
import { runStep } from './run-step.ts';

// `npm run python-types`: holds our Python packages, and their examples, to mypy's strict rules.
const packages = [
  ['clients/python', 'src', 'examples'],
  // PyTorch is not there where types are checked: whatever comes of it is of any type.
  ['trainers/pytorch', '--allow-subclassing-any', '--allow-untyped-decorators', 'src'],
  ['trainers/launcher', 'src'],
  // LeRobot and MuJoCo are not there either.
  ['trainers/lerobot', '--allow-subclassing-any', '--allow-untyped-decorators', 'src'],
  ['clients/mujoco', 'src', '../python/src'],
] as const;
const report = (line: string): void => void process.stderr.write(`tools: ${line}\n`);
const command = await pythonPackagePath(report);
for (const [folder, ...sources] of packages) {
  const result = await runStep(
    {
      command,
      arguments: ['-m', 'mypy', '--strict', '--cache-dir', '/dev/null', ...sources],
      folder: join(import.meta.dirname, '..', folder),
      doing: `checking the types of ${folder}`,
    },
    report,
  );
  process.stdout.write(result?.output ?? 'mypy cannot be started\n');
  process.exitCode ||= result?.exitCode ?? 1;
}
