/** A field of a structure: the names on the way to it, and its type as the SQL engine writes it. */
export interface StructField {
  readonly path: readonly string[];
  readonly type: string;
}

const mostFields = 10_000;
const mostDepth = 16;

/**
 * Every field of a structure that is none itself, those of structures within it included; a type that is no structure has itself alone. Lists of
 * structures stay lists.
 *
 * 'STRUCT(position STRUCT(x DOUBLE, "y y" DOUBLE), ok BOOLEAN)' → position.x, position."y y", ok
 */
export function structFields(type: string, path: readonly string[] = []): readonly StructField[] {
  const inside = insideOf(type);
  if (inside === undefined || path.length >= mostDepth) return [{ path, type }];
  const found: StructField[] = [];
  for (const field of partsOf(inside)) {
    const [, quoted, plain, of = ''] = /^(?:"((?:[^"]|"")*)"|(\S+))\s+(.+)$/s.exec(field) ?? [];
    const name = quoted?.replaceAll('""', '"') ?? plain;
    if (name === undefined) return [{ path, type }];
    found.push(...structFields(of, [...path, name]));
    if (found.length > mostFields) return [{ path, type }];
  }
  return found;
}

/** What stands between the brackets of a structure; a list of structures is none. */
const insideOf = (type: string): string | undefined => /^STRUCT\((.*)\)$/s.exec(type)?.[1];

/** Parts between commas that are in no brackets and no quotes, those of names or of the values of an enumeration. */
function partsOf(text: string): readonly string[] {
  const parts: string[] = [];
  let [from, depth, quote] = [0, 0, ''];
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    // A quote within quotes stands twice: closed and opened again.
    if (quote === '' ? character === '"' || character === "'" : character === quote)
      quote = quote === '' ? character : '';
    if (quote !== '') continue;
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character !== ',' || depth > 0) continue;
    parts.push(text.slice(from, at).trim());
    from = at + 1;
  }
  return [...parts, text.slice(from).trim()];
}
