import { delimiter, resolve } from 'node:path';

import { runStep } from './run-step.ts';
import { pathExists, type Report } from './tool-cache.ts';

/** Versions of a program that this project works with. Both ends are `major.minor.patch`. */
export interface VersionRange {
  readonly from: string;
  /** The newest one the tests ran with. */
  readonly testedTo: string;
  /** The first one that is not used; absent: whatever is newer than `testedTo`. */
  readonly below?: string;
}

/** How a program says its version: the argument that asks, and what is read in the answer. */
export interface VersionQuestion {
  readonly argument: string;
  readonly read: (printed: string) => string | undefined;
}

/** Most programs: `--version` names first what looks like `1.2.3`. */
const usualQuestion: VersionQuestion = {
  argument: '--version',
  read: (printed) =>
    printed
      .split(/[\s,()]+/)
      .find((word) => /^v?\d+\.\d+\.\d+$/.test(word))
      ?.replace('v', ''),
};

/** The first program of that name on PATH whose version is in the range. Says which others it does not use, and why. */
export async function findOnPath(
  name: string,
  range: VersionRange,
  report: Report,
  question = usualQuestion,
): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = resolve(folder, name);
    if (folder === '' || !(await pathExists(candidate))) continue;
    const version = await versionOf(candidate, report, question);
    if (version === undefined || !isWithin(version, range)) {
      report(`${candidate} is ${version ?? 'of an unknown version'}, expected ${name} ${rangeText(range)}: not used`);
      continue;
    }
    if (compareVersions(version, range.testedTo) > 0)
      report(`${candidate} is ${version}, newer than ${range.testedTo}, the newest that was tested: used all the same`);
    return candidate;
  }
  return undefined;
}

/** The version that a program says it is; undefined when it fails or names none. */
export async function versionOf(path: string, report: Report, question = usualQuestion): Promise<string | undefined> {
  const step = { command: path, arguments: [question.argument], doing: `asking ${path}` };
  const result = await runStep(step, report).catch(() => undefined);
  return result?.exitCode === 0 ? question.read(result.output) : undefined;
}

function isWithin(version: string, range: VersionRange): boolean {
  if (compareVersions(version, range.from) < 0) return false;
  return range.below === undefined
    ? compareVersions(version, range.testedTo) <= 0
    : compareVersions(version, range.below) < 0;
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  const index = left.findIndex((part, at) => part !== right[at]);
  return index < 0 ? 0 : (left[index] ?? 0) - (right[index] ?? 0);
}

function rangeText(range: VersionRange): string {
  if (range.below !== undefined) return `${range.from} or newer, below ${range.below}`;
  return range.from === range.testedTo ? range.from : `${range.from} to ${range.testedTo}`;
}
