/**
 * Text from outside made fit for a log line, a report or a terminal: control characters (line ends, escape sequences,
 * direction marks) become `\u{…}`, and what is longer than `maxLength` characters is cut and ends with `…`.
 * `printable('a\nb', 10)` is `'a\\u{a}b'`.
 */
export function printable(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  const shown = cut.replace(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`);
  return shown.length > maxLength ? `${shown.slice(0, maxLength)}…` : shown;
}

/** Control and format characters, line and paragraph separators, lone surrogates. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
