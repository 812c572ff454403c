import { fork } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { endWithParent, tellParent } from '../../../workers/end-with-parent.ts';

/** Started by hand: starts itself once more with a channel, and tells its id. Started with a channel: lives until its parent is gone. */
const [logFile = ''] = process.argv.slice(2);
if (process.send === undefined) {
  const child = fork(fileURLToPath(import.meta.url), [logFile], { stdio: 'ignore' });
  child.once('message', (message) => process.stdout.write(`${JSON.stringify({ pid: child.pid, message })}\n`));
} else {
  // Something that keeps the process alive whatever it is asked.
  setInterval(() => undefined, 1_000);
  endWithParent(() => appendFileSync(logFile, 'asked to stop\n'), 200);
  tellParent('ready');
}
