/** One field of something whose shape another version may have written; undefined: it is not there. */
export function fieldOf(value: unknown, ...names: readonly string[]): unknown {
  let found = value;
  for (const name of names)
    found =
      typeof found === 'object' && found !== null && Object.hasOwn(found, name)
        ? (found as Readonly<Record<string, unknown>>)[name]
        : undefined;
  return found;
}

export function textField(value: unknown, ...names: readonly string[]): string | undefined {
  const found = fieldOf(value, ...names);
  return typeof found === 'string' ? found : undefined;
}

export function numberField(value: unknown, ...names: readonly string[]): number | undefined {
  const found = fieldOf(value, ...names);
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

export function listField(value: unknown, ...names: readonly string[]): readonly unknown[] {
  const found = fieldOf(value, ...names);
  return Array.isArray(found) ? (found as unknown[]) : [];
}
