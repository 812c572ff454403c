/**
 * The path of a video within its data set, by the pattern of `meta/info.json`, such as `videos/{video_key}/file-{file_index:03d}.mp4`; undefined for one
 * that leads out of the data set or asks for something else.
 */
export function videoPathOf(pattern: string, key: string, numbers: ReadonlyMap<string, number>): string | undefined {
  let isKnown = true;
  const path = pattern.replaceAll(/\{(\w+)(?::0?(\d)d)?\}/g, (_, name: string, digits?: string) => {
    const value = name === 'video_key' ? key : numbers.get(name);
    if (value === undefined) isKnown = false;
    return String(value ?? '').padStart(Number(digits ?? 0), '0');
  });
  const isWithin = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  return isKnown && isWithin && !/[\\\0{}]/.test(path) ? path : undefined;
}
