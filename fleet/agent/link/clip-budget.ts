import { z } from 'zod';

import { readJson, replaceJson } from '../local/durable-files.ts';

const keptSchema = z.object({ day: z.int(), sentBytes: z.number().min(0) });
const dayMs = 86_400_000;

/** How many bytes of clips may still be sent today; a day is one of UTC by the gateway's clock. */
export interface ClipBudget {
  /** 0: so many bytes are taken, which is on disk when it resolves. Otherwise how long to wait until they may be, milliseconds. */
  take(bytes: number): Promise<number>;
}

/** What is sent again counts again: the budget is of the line. */
export async function openClipBudget(file: string, bytesPerDay: number, nowMs: () => number): Promise<ClipBudget> {
  let kept = (await readJson(file, keptSchema)) ?? { day: 0, sentBytes: 0 };
  return {
    async take(bytes) {
      const now = nowMs();
      const day = Math.floor(now / dayMs);
      const sentBytes = (day === kept.day ? kept.sentBytes : 0) + bytes;
      if (sentBytes > bytesPerDay) return (day + 1) * dayMs - now;
      kept = { day, sentBytes };
      await replaceJson(file, kept);
      return 0;
    },
  };
}
