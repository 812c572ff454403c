import { spawn } from 'node:child_process';

import { startGuard } from '../../../demo/supervision/guard.ts';
import { openVoice } from '../../../demo/supervision/voice.ts';

/**
 * A supervisor in little: two children, one of which does not obey SIGTERM, and a guard. Says their ids, then a line every 20 ms;
 * once nobody listens it writes why to its log and ends.
 */
const [logFile = ''] = process.argv.slice(2);
const voice = openVoice(process.stdout, logFile);
const children = ['sleep 600', 'trap "" TERM; while :; do sleep 0.1; done'].map((command) =>
  spawn('sh', ['-c', command], { detached: true, stdio: 'ignore' }),
);
const guard = startGuard(1);
guard.watch(children.map(({ pid }) => pid ?? 0));
voice.say(JSON.stringify({ children: children.map(({ pid }) => pid), guard: guard.pid() }));
setInterval(() => voice.say('still here'), 20);
void voice.lost.then((why) => {
  voice.say(`nobody listens: ${why}`);
  process.exit(3);
});
