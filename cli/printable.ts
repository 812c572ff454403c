import { cleanText } from '../domain/clean-text.ts';

/**
 * Text as it may go to a terminal. Robots, files and people outside write into reasons, names and messages: nothing of it may
 * move the cursor, change colours or turn the writing around. Line ends stay, because what prints several lines means them;
 * `oneLine` is for text that has its place within a line, as the cell of a table.
 */
export const printable = (text: string): string => text.split('\n').map(cleanText).join('\n');

export const oneLine = (text: string): string => cleanText(text);

/** A JSON document in ASCII where it matters: characters that a terminal would obey are written as `\uXXXX`, the value is the same. */
export const printableJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent)
    .split('\n')
    .map((line) => line.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, escaped))
    .join('\n');

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, unit) => `\\u${hex(character.charCodeAt(unit))}`).join('');

const hex = (unit: number): string => unit.toString(16).padStart(4, '0');
