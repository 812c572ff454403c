import { CommandError } from './exit-codes.ts';

const unitMs = { m: 60_000, h: 3_600_000, d: 24 * 3_600_000 } as const;
const longestNumber = 6;

/** A UTC time, or how long ago: `2026-11-27`, `2026-11-27T08:00Z`, `8h`, `3d`. Throws with the name of what was given. */
export function parseSince(name: string, text: string, nowMs: number): number {
  const [, count, unit] = new RegExp(String.raw`^(\d{1,${longestNumber}})([mhd])$`).exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * unitMs[unit as keyof typeof unitMs];
  const isTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/.test(text);
  const atMs = isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs))
    throw new CommandError(
      'wrong',
      `${name}: expected a UTC time like 2026-11-27 or 2026-11-27T08:00:00Z, or how long ago like 8h or 3d, got ${text.slice(0, 60)}`,
    );
  return atMs;
}
