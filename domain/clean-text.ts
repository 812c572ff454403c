/**
 * Text from outside as it may be stored and shown: every character that is not printed (control, escape, direction, format,
 * half a surrogate pair, private use, unassigned) becomes U+FFFD, so that it can neither move a cursor nor hide another.
 * Length in UTF-16 units never grows. `cleanText('a\u001b[2Jb')` → `'a\ufffd[2Jb'`.
 */
export const cleanText = (text: string): string => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');
