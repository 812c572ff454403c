import type { Logger } from 'pino';

import type { BuildDesk } from '../activities/ports/builds.ts';

export interface Announced {
  readonly buildId: string;
  readonly builds: BuildDesk;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

const askEveryMs = 500;
const attempts = 120;

/**
 * The first build of a deployment becomes the current one by itself, because nothing could begin otherwise. A later one waits until
 * an operator says `flywheel deploy current`, and says so: a worker of an old build that starts again changes nothing.
 */
export async function announceBuild({ buildId, builds, logger }: Announced): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    try {
      const { builds: known, conflictToken } = await builds.read(Date.now());
      // The server knows a build from the first time one of its workers asks for work.
      if (known.some((build) => build.buildId === buildId)) {
        const current = known.find(({ isCurrent }) => isCurrent);
        if (current?.buildId === buildId) return logger.info({ buildId }, 'new workflows start on this build');
        if (current !== undefined)
          return logger.warn(
            { buildId, current: current.buildId },
            `new workflows start on build ${current.buildId}; \`flywheel deploy current ${buildId}\` switches to this one`,
          );
        await builds.makeCurrent(buildId, conflictToken, { who: 'a worker', why: 'the first of a deployment' });
        continue;
      }
    } catch (error) {
      // Once: what goes on is told at the end.
      if (attempt === 0)
        logger.warn({ buildId, error }, 'expected the server to list the builds, it did not; retrying');
    }
    await new Promise((resolve) => {
      setTimeout(resolve, askEveryMs).unref();
    });
  }
  logger.warn(
    { buildId },
    'expected the server to know this build within a minute, it does not: see `flywheel deploy status`',
  );
}
