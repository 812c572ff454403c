import { readFileSync } from 'node:fs';
import path from 'node:path';

import { parseSync } from 'oxc-parser';

/** Which tests reach a source file, nearest first. */
export interface TestIndex {
  /** Files of `npm test` in the order of their distance in imports from the file (1 = imports it itself), at most `reach` away. */
  readonly testsOf: (file: string, reach: number) => string[];
}

/** Reads the imports of all files once. Paths are relative to `root`, with forward slashes. */
export function indexTests(root: string, files: readonly string[]): TestIndex {
  const importers = new Map<string, string[]>();
  for (const file of files)
    for (const target of importsOf(root, file)) importers.set(target, [...(importers.get(target) ?? []), file]);
  return {
    testsOf(file, reach) {
      const mirror = `test/${file.replace(/\.ts$/, '.test.ts')}`;
      const distances = new Map([[file, 0]]);
      let ring = [file];
      for (let distance = 1; distance <= reach; distance += 1) {
        ring = ring.flatMap((at) => importers.get(at) ?? []).filter((at) => !distances.has(at));
        for (const at of ring) distances.set(at, distances.get(at) ?? distance);
      }
      return [...distances.keys()]
        .filter((at) => at.endsWith('.test.ts') && !at.startsWith('test/long/'))
        .toSorted(
          (a, b) =>
            Number(b === mirror) - Number(a === mirror) ||
            (distances.get(a) ?? 0) - (distances.get(b) ?? 0) ||
            sharedFolders(b, `test/${file}`) - sharedFolders(a, `test/${file}`),
        );
    },
  };
}

function importsOf(root: string, file: string): string[] {
  const { module } = parseSync(file, readFileSync(path.join(root, file), 'utf8'));
  const specifiers = [
    ...module.staticImports.map((entry) => entry.moduleRequest.value),
    ...module.staticExports.flatMap((entry) => entry.entries.map((part) => part.moduleRequest?.value ?? '')),
  ];
  return specifiers
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier)));
}

function sharedFolders(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  return left.findIndex((part, at) => part !== right[at]);
}
