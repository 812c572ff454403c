import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The commands of a tutorial in their order, line by line. */
export const commandsOf = (name: string): readonly string[] =>
  [...readFileSync(path.join(root, 'docs/tutorials', name), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(
    ([, block = '']) => block.split('\n').filter((line) => line.trim() !== ''),
  );

const flywheel = 'npm run flywheel -- ';

/** The words behind `npm run flywheel --`; undefined for another command. Quotes are those of these tutorials: single ones. */
export const wordsOf = (command: string): readonly string[] | undefined =>
  command.startsWith(flywheel)
    ? [...command.slice(flywheel.length).matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
    : undefined;
