/** Real time as this workflow sees it: the time of its present task, the same in every replay. */
export const nowMs = (): number => Date.now();
