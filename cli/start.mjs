// Starts the `flywheel` command. Node.js from 22.18 on runs TypeScript as it is; what it compiled it keeps in the user's cache: the
// second start of a command costs a third of the first.
import { mkdirSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';

if (!process.features.typescript) {
  process.stderr.write(`flywheel: expected Node.js 22.18 or newer, got ${process.version}\n`);
  process.exit(2);
}
const folder = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'flywheel', 'compiled');
try {
  // Nobody else may write what this user's commands run.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  module.enableCompileCache?.(folder);
} catch {
  // Without a cache it is only slower.
}
await import('./main.ts');
