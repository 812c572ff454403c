import { defaultPolicy } from './default-policy.ts';

/** The id of a policy's weekly schedule: `weekly-sync` for the default policy; further policies carry their name. */
export const weeklyScheduleId = (policy: string): string =>
  policy === defaultPolicy ? 'weekly-sync' : `weekly-sync-${policy}`;
