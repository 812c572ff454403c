import { join } from 'node:path';
import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { s3ObjectStore } from '../../../store/adapters/s3-object-store.ts';
import { startS3Server, type S3Server } from '../../support/s3-server.ts';
import { lakeBehaves } from './lake-suite.ts';

describe('lake on a memory store', () => {
  lakeBehaves(() => memoryObjectStore());
});

describe('lake on a file store', () => {
  lakeBehaves((directory) => fileObjectStore({ root: join(directory, 'store') }));
});

describe('lake on an S3 server', () => {
  let server: S3Server;
  let buckets = 0;

  before(async function () {
    server = await startS3Server(this);
  });
  after(() => server.stop());

  lakeBehaves(async (directory) => {
    const bucket = await server.makeBucket(`lake-${buckets++}`);
    return s3ObjectStore({ ...server.connection, bucket, cacheFolder: join(directory, 'cache') });
  });
});
