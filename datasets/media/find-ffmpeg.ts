import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

import { ffmpegVersion, ffmpegVersions } from '../../domain/ffmpeg-versions.ts';

const run = promisify(execFile);
const answerWithinMs = 10_000;
const answerBytes = 65_536;

/**
 * The ffmpeg to code and decode clips with: the one that `FLYWHEEL_FFMPEG` names, else the first on PATH of a version from 5.1 to before
 * 10; undefined where there is none. Throws an Error when the variable names something that is not such a program: it was meant.
 */
export async function findFfmpeg(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const named = environment['FLYWHEEL_FFMPEG'] ?? '';
  if (named !== '') {
    const version = isAbsolute(named) ? await versionAt(named) : undefined;
    if (version !== undefined && isUsable(version)) return named;
    throw new Error(
      `FLYWHEEL_FFMPEG: expected the absolute path of an ffmpeg from ${ffmpegVersions.from} to before ${ffmpegVersions.below}, ` +
        `got ${named} (${version ?? 'no ffmpeg that starts'})`,
    );
  }
  for (const folder of (environment['PATH'] ?? '').split(delimiter).filter(isAbsolute)) {
    const path = join(folder, 'ffmpeg');
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    const version = isThere ? await versionAt(path) : undefined;
    if (version !== undefined && isUsable(version)) return path;
  }
  return undefined;
}

async function versionAt(path: string): Promise<string | undefined> {
  const options = { timeout: answerWithinMs, maxBuffer: answerBytes, killSignal: 'SIGKILL' } as const;
  const answer = await run(path, ['-version'], options).catch(() => undefined);
  return answer === undefined ? undefined : ffmpegVersion(answer.stdout);
}

function isUsable(version: string): boolean {
  return compare(version, ffmpegVersions.from) >= 0 && compare(version, ffmpegVersions.below) < 0;
}

function compare(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  const index = left.findIndex((part, at) => part !== right[at]);
  return index < 0 ? 0 : (left[index] ?? 0) - (right[index] ?? 0);
}
