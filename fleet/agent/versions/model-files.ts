import path from 'node:path';

import type { ModelFile } from '../../protocol/index.ts';
import { readIfThere, sizeOf } from '../local/durable-files.ts';
import type { Slot } from './installation.ts';
import { ModelRefusal } from './model-refusal.ts';

/**
 * Where versions lie on the robot's disk: a folder named by the model's digest, and beside it what is still coming. Versions with the
 * same model share it: the first has its other files beside the model, later ones in a folder named by the version.
 */
export interface ModelFiles {
  readonly directory: string;
  readonly folder: (slot: Slot) => string;
  readonly model: (slot: Slot) => string;
  readonly part: (slot: Slot) => string;
  /** The folder of everything of the version but its model, which is there or is to be. */
  home(slot: Slot): Promise<string>;
}

/** Everything of a version but its model. */
export type SideFile = Exclude<ModelFile, 'model.onnx'>;

export function modelFiles(directory: string): ModelFiles {
  const folder = ({ sha256 }: Slot): string => path.join(directory, sha256);
  return {
    directory,
    folder,
    model: (slot) => path.join(folder(slot), 'model.onnx'),
    part: ({ sha256 }) => path.join(directory, `${sha256}.part`),
    async home(slot) {
      const own = path.join(folder(slot), slot.version);
      if ((await sizeOf(path.join(own, 'manifest.json'))) > 0) return own;
      const first = await readIfThere(path.join(folder(slot), 'manifest.json'));
      const of = first === undefined || first.length === 0 ? undefined : versionIn(first);
      return of === undefined || of === slot.version ? folder(slot) : own;
    },
  };
}

/** Unchecked: it only says whose place this is. Undefined for what cannot be read, which is nobody's. */
function versionIn(manifest: Buffer): string | undefined {
  try {
    const { manifest: said } = JSON.parse(manifest.toString('utf8')) as { manifest?: { version?: unknown } };
    return typeof said?.version === 'string' ? said.version : undefined;
  } catch {
    return undefined;
  }
}

/** `ModelRefusal` unless a file has the digest that was signed. */
export function requireDigest(name: string, got: string, expected: string): void {
  if (got !== expected) throw new ModelRefusal('wrongDigest', `expected ${name} with sha256 ${expected}, got ${got}`);
}
