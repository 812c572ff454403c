import { readFileSync } from 'node:fs';

import type { ClipDecoder } from '../ports/clip-decoder.ts';

const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  dependencies: Readonly<Record<string, string>>;
};

/** Writes the images of training sets: the same images give the same bytes of one version of it, on one kind of processor. */
export const imageEncoder = ({ largeClipsThrough }: Pick<ClipDecoder, 'largeClipsThrough'> = {}): string =>
  [
    `sharp ${dependencies['sharp']}, quality 90, ${process.arch}, plain images of that size as they are`,
    ...(largeClipsThrough === undefined ? [] : [`large clips through ${largeClipsThrough}`]),
  ].join(', ');
