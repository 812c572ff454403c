import { z } from 'zod';

import { read } from './read.ts';

/** What a page needs to show single images of a clip: where each lies in the file, and when it was recorded. */
export const clipImagesSchema = z.discriminatedUnion('state', [
  z.strictObject({
    ...read,
    state: z.literal('read'),
    /** As browsers name it: `jpeg`, `avc1.…`, `av01.…`. */
    codec: z.string(),
    /** Of a decoder, base64; null: it needs none. */
    configuration: z.string().nullable(),
    width: z.int(),
    height: z.int(),
    /** Of each image its instant, microseconds after the first one, its place in the file and its bytes. */
    atUs: z.array(z.number()),
    offsets: z.array(z.number()),
    sizes: z.array(z.number()),
    /** Images that can be decoded without those before them, the first one among them. */
    keys: z.array(z.int()),
  }),
  /** The clip is there, and no page can show it. */
  z.strictObject({ ...read, state: z.literal('unreadable'), reason: z.string() }),
]);
export type ClipImagesAnswer = z.infer<typeof clipImagesSchema>;
