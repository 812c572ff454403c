import path from 'node:path';

import { fileObjectStore } from '../store/adapters/file-object-store.ts';
import { s3ObjectStore } from '../store/adapters/s3-object-store.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Settings } from './config.ts';

/** The object store the settings name. Credentials of S3 come from the SDK's own chain: environment, profile, role. */
export function openStore(settings: Pick<Settings, 'store' | 'scratchDirectory'>): ObjectStore {
  switch (settings.store.kind) {
    case 'file':
      return fileObjectStore({ root: settings.store.directory });
    case 's3': {
      const { bucket, region, endpoint } = settings.store;
      return s3ObjectStore({
        bucket,
        region,
        cacheFolder: path.join(settings.scratchDirectory, 's3-cache'),
        // Servers other than Amazon's rarely serve a bucket under a host name of its own.
        ...(endpoint === undefined ? {} : { endpoint, isPathStyle: true }),
      });
    }
  }
}
