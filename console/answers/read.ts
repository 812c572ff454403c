import { z } from 'zod';

/** When the console read what it answers with, Unix ms by its clock: pages show how old what they show is. */
export const read = { readAtMs: z.int() };
/** Keys of objects that could not be read and were left out. */
export const damaged = { damaged: z.array(z.string()) };

/** A page of a list. `total`: of all that match; `next`: what `after` is for the next page, null at the last. */
export const pageSchema = <T extends z.ZodType>(item: T) => ({
  items: z.array(item),
  total: z.int(),
  next: z.string().nullable(),
});
