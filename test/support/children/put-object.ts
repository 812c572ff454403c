// Puts one object of the given size into a file store, for tests that kill it or starve it of disk.
// Arguments: root, key, size in bytes. Prints `done`, or the failure's type, retryability and message.
import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { ApplicationFailure } from '@temporalio/common';

const [root = '', key = '', sizeBytes = '0'] = process.argv.slice(2);
try {
  await fileObjectStore({ root }).put(key, new Uint8Array(Number(sizeBytes)).fill(7));
  process.stdout.write('done\n');
} catch (error) {
  if (!(error instanceof ApplicationFailure)) throw error;
  process.stdout.write(`${error.type} nonRetryable=${error.nonRetryable} ${error.message}\n`);
}
