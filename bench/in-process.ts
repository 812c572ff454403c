import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Runs a file in a process of its own that answers one message with another; without its end there is no answer. */
export async function inProcess<Result>(file: URL, message: object): Promise<Result> {
  const child = fork(fileURLToPath(file), { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  child.send(message);
  const exit = once(child, 'exit').then(([code]) => {
    throw new Error(`expected a measured process to answer, it ended with ${String(code)}`);
  });
  try {
    const [result] = (await Promise.race([once(child, 'message'), exit])) as [Result];
    return result;
  } finally {
    exit.catch(() => undefined);
    if (child.exitCode === null) child.kill();
  }
}
