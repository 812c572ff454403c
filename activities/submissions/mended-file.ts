import { z } from 'zod';

/** What was changed in the copy that is judged and registered, and of which file it was made. */
export const mendedFileSchema = z.strictObject({
  fileSha256: z.string().regex(/^[0-9a-f]{64}$/),
  changes: z.array(z.string().min(1).max(2000)).min(1).max(2000),
});

export type MendedFile = Readonly<z.infer<typeof mendedFileSchema>>;

/** The file of a version that says so. */
export const mendedFileName = 'mended.json';
