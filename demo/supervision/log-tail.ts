import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const mostBytes = 8_192;
const mostLines = 5;
const mostCharacters = 300;
// oxlint-disable-next-line no-control-regex -- what a process wrote may hold anything; a terminal must not obey it.
const controls = /[\u0000-\u001f\u007f-\u009f]+/g;

/** The last lines that a file got after `sinceBytes`, at most five of at most 300 printable characters; none when it cannot be read. */
export function logTail(file: string, sinceBytes = 0): readonly string[] {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return [];
  }
  try {
    const { size } = fstatSync(descriptor);
    // A log that was cut since begins anew.
    const start = Math.max(sinceBytes > size ? 0 : sinceBytes, size - mostBytes);
    const bytes = Buffer.alloc(Math.max(0, size - start));
    const length = readSync(descriptor, bytes, 0, bytes.length, start);
    return bytes
      .toString('utf8', 0, length)
      .split('\n')
      .map((line) => line.replaceAll(controls, ' ').trim())
      .filter((line) => line !== '')
      .slice(-mostLines)
      .map((line) => (line.length > mostCharacters ? `${line.slice(0, mostCharacters)} …` : line));
  } finally {
    closeSync(descriptor);
  }
}
