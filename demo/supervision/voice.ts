import { appendFileSync } from 'node:fs';
import type { Writable } from 'node:stream';

import { printable } from '../../cli/printable.ts';

/** What the supervisor says, to whoever listens and to its log. */
export interface Voice {
  readonly say: (line: string) => void;
  /** Goes to the log only. */
  readonly note: (line: string) => void;
  /** Resolves with a sentence when nobody listens any more: a closed pipe (`| head`) or terminal. */
  readonly lost: Promise<string>;
}

/** `logFile` gets every line with its time; one that cannot be written is done without. */
export function openVoice(out: Writable, logFile: string): Voice {
  let isLost = false;
  const lost = new Promise<string>((resolve) => {
    out.on('error', (error) => {
      isLost = true;
      resolve(`its output was closed (${(error as NodeJS.ErrnoException).code ?? error.message})`);
    });
  });
  const note = (line: string): void => {
    try {
      appendFileSync(logFile, `${new Date().toISOString()} ${printable(line)}\n`, { mode: 0o600 });
    } catch {
      // A full disk must not silence what is said to a person.
    }
  };
  return {
    note,
    lost,
    say(line) {
      note(line);
      if (!isLost) out.write(`${printable(line)}\n`);
    },
  };
}
