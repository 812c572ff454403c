/** Called between units of work of a long activity: reports progress and throws when the activity was cancelled. */
export type Progress = (details: Readonly<Record<string, unknown>>) => void;
