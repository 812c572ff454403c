import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

import { build } from 'vite';

const root = path.join(import.meta.dirname, '..');
const pages = path.join(root, 'dashboard');
/** What of the domain is in them. */
const words = path.join(root, 'domain', 'words');

/** When the newest of these was written, Unix ms; folders with all that is in them, but no build. */
const newestMs = (place: string): number =>
  statSync(place).isDirectory()
    ? Math.max(
        0,
        ...readdirSync(place)
          .filter((name) => name !== 'dist')
          .map((name) => newestMs(path.join(place, name))),
      )
    : statSync(place).mtimeMs;

function isFresh(): boolean {
  const built = path.join(pages, 'dist', 'index.html');
  return (
    existsSync(built) &&
    statSync(built).mtimeMs >= Math.max(newestMs(pages), newestMs(words), newestMs(import.meta.filename))
  );
}

/**
 * Builds the console's pages into `dashboard/dist`; with `--if-missing` only where there are none, or older ones than their source. Scripts and styles are files of
 * their own, because the console's policy lets a page run nothing else.
 */
async function main(): Promise<void> {
  if (process.argv.includes('--if-missing') && isFresh()) return;
  await build({
    root: pages,
    configFile: false,
    logLevel: 'warn',
    build: {
      outDir: 'dist',
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  });
  process.stdout.write('dashboard/dist: the console’s pages are built\n');
}

await main();
