import { useEffect } from 'preact/hooks';

import type { StandingAnswer } from '../console/answers/trials.ts';
import type { Reading } from './reading.ts';
import { apiPath } from './route.ts';
import { useReading, type Session } from './use-reading.ts';

/** While robots go back, who confirmed is read this often. */
export const returningEveryMs = 3_000;

/** What is so whether workflows can be asked or not. */
export function useStanding(session: Session, policy: string): Reading<StandingAnswer> {
  const reading = useReading<StandingAnswer>(session, apiPath('standing', { policy }), policy, 'fleet models order');
  // Some are on the way: whoever ordered it waits for the last one.
  const isPending = (reading.data?.order?.waiting ?? 0) > 0;
  useEffect(() => {
    if (!isPending) return;
    const timer = setInterval(() => session.tell('order'), returningEveryMs);
    return () => {
      clearInterval(timer);
      // The last one has confirmed: what each robot runs is read anew, and not half a minute later.
      session.tell('fleet');
    };
  }, [isPending, session]);
  return reading;
}
