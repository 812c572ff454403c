import type { Progress } from '../ports/progress.ts';
import type { SqlSession } from '../ports/sql.ts';

const lookEveryMs = 1_000;

/**
 * Runs statements of a session while telling `progress` every second that they go on; when that throws (the activity was
 * cancelled) the running statement is interrupted and the error of `progress` comes out.
 */
export async function watched<T>(
  session: SqlSession,
  progress: Progress,
  stage: string,
  work: () => Promise<T>,
): Promise<T> {
  const refusals: unknown[] = [];
  const look = (): void => {
    try {
      progress({ stage });
    } catch (error) {
      refusals.push(error);
      session.interrupt();
    }
  };
  progress({ stage });
  const timer = setInterval(look, lookEveryMs);
  try {
    const result = await work();
    if (refusals.length > 0) throw refusals[0];
    return result;
  } catch (error) {
    throw refusals.length > 0 ? refusals[0] : error;
  } finally {
    clearInterval(timer);
  }
}
