import path from 'node:path';

import type { ModelFile } from '../../protocol/index.ts';
import type { Slot } from './installation.ts';
import { ModelRefusal } from './model-refusal.ts';

/** Where versions lie on the robot's disk: a folder named by the model's digest, and beside it what is still coming. */
export interface ModelFiles {
  readonly directory: string;
  readonly folder: (slot: Slot) => string;
  readonly of: (slot: Slot, name: ModelFile) => string;
  readonly part: (slot: Slot) => string;
}

export const modelFiles = (directory: string): ModelFiles => ({
  directory,
  folder: ({ sha256 }) => path.join(directory, sha256),
  of: ({ sha256 }, name) => path.join(directory, sha256, name),
  part: ({ sha256 }) => path.join(directory, `${sha256}.part`),
});

/** `ModelRefusal` unless a file has the digest that was signed. */
export function requireDigest(name: string, got: string, expected: string): void {
  if (got !== expected) throw new ModelRefusal('wrongDigest', `expected ${name} with sha256 ${expected}, got ${got}`);
}
