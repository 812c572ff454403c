import assert from 'node:assert/strict';
import path from 'node:path';

import { readSettings } from '../../workers/config.ts';

describe('settings', () => {
  it('have a default for everything', () => {
    const settings = readSettings({ PATH: '/usr/bin' });
    assert.deepEqual(settings.store, { kind: 'file', directory: path.resolve('.flywheel/store') });
    assert.equal(settings.temporal.address, '127.0.0.1:7233');
    assert.equal(settings.threads, 1);
  });

  it('name a bucket, its region and another server', () => {
    const { store } = readSettings({
      FLYWHEEL_STORE: 's3://fleet-lake',
      FLYWHEEL_S3_ENDPOINT: 'http://127.0.0.1:7070',
    });
    assert.deepEqual(store, {
      kind: 's3',
      bucket: 'fleet-lake',
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:7070',
    });
  });

  for (const [environment, expected] of [
    [{ FLYWHEEL_STOER: 'x' }, /FLYWHEEL_STOER/],
    [{ FLYWHEEL_THREADS: 'two' }, /FLYWHEEL_THREADS: expected a number of threads/],
    [{ FLYWHEEL_STORE: 's3://' }, /FLYWHEEL_STORE: expected a folder or s3:\/\/bucket/],
    [{ FLYWHEEL_TEMPORAL_ADDRESS: 'nowhere' }, /FLYWHEEL_TEMPORAL_ADDRESS: expected host:port/],
  ] as const)
    it(`refuse ${JSON.stringify(environment)}`, () => {
      assert.throws(() => readSettings(environment), expected);
    });

  it('refuse a password in the address of MLflow without repeating it', () => {
    assert.throws(
      () => readSettings({ FLYWHEEL_MLFLOW_URL: 'https://ada:secret@mlflow.example' }),
      ({ message }: Error) => /no user name or password/.test(message) && !message.includes('secret'),
    );
    const { mlflow } = readSettings({ FLYWHEEL_MLFLOW_URL: 'https://mlflow.example/a@b', FLYWHEEL_MLFLOW_TOKEN: 't' });
    assert.deepEqual(mlflow, { url: 'https://mlflow.example/a@b', token: 't' });
    assert.throws(() => readSettings({ FLYWHEEL_MLFLOW_TOKEN: 't' }), /FLYWHEEL_MLFLOW_URL/);
    assert.equal(readSettings({ FLYWHEEL_PAGES_URL: 'https://c.example/x/' }).pagesUrl, 'https://c.example/x');
    for (const url of ['console.example', 'javascript:alert(1)', 'https://a:b@c.example', 'https://c.example/#/x'])
      assert.throws(() => readSettings({ FLYWHEEL_PAGES_URL: url }), /FLYWHEEL_PAGES_URL/, url);
  });
});
