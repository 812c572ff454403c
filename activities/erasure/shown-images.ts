import { episodeHash } from '../../store/records/erasures.ts';
import { erasedId, withoutErasedIds } from './erased-rows.ts';

/** How reports show what cameras saw, see `activities/report/shown-images.ts`. */
const shownInHtml = /<img\b[^>]*\bsrc="data:image\/jpeg;base64,[^"]*"[^>]*>/g;
const episodeInHtml = /\bdata-episode="([0-9A-Z]{26})"/;

/**
 * The text of a document without ids of erased episodes, and without images of frames of them; the very text where there are none. An
 * image whose episode nobody knows, as documents of earlier versions have them, goes too.
 */
export const withoutErasedWords = (text: string, hashes: ReadonlySet<string>): string =>
  withoutErasedIds(withoutErasedImages(text, hashes), hashes);

function withoutErasedImages(text: string, hashes: ReadonlySet<string>): string {
  const isErased = (id: unknown): boolean => typeof id !== 'string' || id === erasedId || hashes.has(episodeHash(id));
  if (text.includes('data:image/jpeg'))
    return text.replaceAll(shownInHtml, (image) => (isErased(episodeInHtml.exec(image)?.[1]) ? '' : image));
  if (!text.includes('"jpeg"')) return text;
  let hasErased = false;
  try {
    const document: unknown = JSON.parse(text, function (this: unknown, name: string, value: unknown) {
      if (name !== 'images' || !isImages(value) || !isErased((this as { episodeId?: unknown }).episodeId)) return value;
      hasErased = true;
      return [];
    });
    return hasErased ? `${JSON.stringify(document, undefined, 2)}\n` : text;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // A damaged document does not say whose its images are.
    return text.replaceAll(/"jpeg"\s*:\s*"[^"]*"/g, '"image": "erased"');
  }
}

const isImages = (value: unknown): boolean =>
  Array.isArray(value) && value.some((each: unknown) => typeof each === 'object' && each !== null && 'jpeg' in each);
