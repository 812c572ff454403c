import { z } from 'zod';

/** Name of the file of a version that says which tasks it knows; only where a task catalogue had records when it was registered. */
export const tasksFile = 'tasks.json';

/** `tasks.json`: pinned by its digest in the manifest. A version without it knows the tasks of its robot type. */
export const versionTasksSchema = z.object({
  /** Last record of the catalogue that the version was made with. */
  catalogueSeq: z.int().min(0),
  /** Ids by index: as many indexes as the model knows, the retired included. */
  tasks: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/))
    .min(1)
    .max(1024),
});
export type VersionTasks = z.infer<typeof versionTasksSchema>;
