import { readFile } from 'node:fs/promises';

/** What a robot is given to trust, from `--root` or `--public-key`; exactly one of them. */
export async function trustOf(files: {
  readonly root?: string;
  readonly publicKey?: string;
}): Promise<{ readonly root: string } | { readonly publicKeyPem: string }> {
  const { root, publicKey } = files;
  if (root !== undefined && publicKey === undefined) return { root: await readFile(root, 'utf8') };
  if (publicKey !== undefined && root === undefined) return { publicKeyPem: await readFile(publicKey, 'utf8') };
  throw new Error(
    'expected --root (from `flywheel keys show --root`) or, for an older installation, --public-key; one of them',
  );
}
