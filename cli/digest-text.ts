/** Enough of a digest to tell it from every other one of an installation; with `--json` commands print all of it. */
export const digestText = (digest: string): string => digest.slice(0, 16);
