import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer, type Server } from 'node:tls';
import { promisify } from 'node:util';

import { NativeConnection } from '@temporalio/worker';

import { withClient } from '../../cli/context.ts';
import { readSettings } from '../../workers/config.ts';
import { temporalConnectionOptions } from '../../workers/temporal-connection.ts';
import { sharedTemporal } from '../support/temporal.ts';

const openssl = async (...args: readonly string[]): Promise<void> => {
  await promisify(execFile)('openssl', args);
};

/** An authority, and what it signed for a server called temporal.test and for a client. */
async function makeCertificates(directory: string): Promise<(name: string) => string> {
  const file = (name: string): string => path.join(directory, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const name of ['authority', 'stranger'])
    await openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      file(`${name}.key`),
      '-out',
      file(`${name}.pem`),
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
    );
  for (const [name, subject] of [
    ['server', 'temporal.test'],
    ['client', 'worker'],
  ] as const) {
    const request = ['-keyout', file(`${name}.key`), '-out', file(`${name}.csr`), '-subj', `/CN=${subject}`];
    await openssl('req', ...newKey, ...request, '-addext', `subjectAltName=DNS:${subject}`);
    const signer = ['-CA', file('authority.pem'), '-CAkey', file('authority.key'), '-CAcreateserial'];
    await openssl(
      'x509',
      '-req',
      '-in',
      file(`${name}.csr`),
      ...signer,
      '-out',
      file(`${name}.pem`),
      '-days',
      '2',
      '-copy_extensions',
      'copy',
    );
  }
  return file;
}

describe('connections to Temporal by TLS', function () {
  this.timeout(120_000);
  let directory: string;
  let file: (name: string) => string;
  let proxy: Server;
  let address: string;
  const sockets = new Set<Socket>();
  const remember = (socket: Socket): void => void sockets.add(socket);

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-tls-'));
    file = await makeCertificates(directory);
    const temporal = await sharedTemporal();
    const [host = '', port = ''] = temporal.address.split(':');
    proxy = createServer(
      { ...(await ofServer()), requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] },
      (socket) => {
        const upstream = connect(Number(port), host);
        [socket, upstream].forEach(remember);
        socket.pipe(upstream).pipe(socket);
        for (const end of [socket, upstream]) end.on('error', () => [socket, upstream].forEach((one) => one.destroy()));
      },
    );
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  });
  after(async () => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
    await rm(directory, { recursive: true, force: true });
  });

  const ofServer = async () => ({
    key: await readFile(file('server.key')),
    cert: await readFile(file('server.pem')),
    ca: await readFile(file('authority.pem')),
  });
  const settingsWith = (changes: Readonly<Record<string, string | undefined>> = {}) =>
    readSettings({
      FLYWHEEL_TEMPORAL_ADDRESS: address,
      FLYWHEEL_TEMPORAL_TLS_CA: file('authority.pem'),
      FLYWHEEL_TEMPORAL_TLS_CERT: file('client.pem'),
      FLYWHEEL_TEMPORAL_TLS_KEY: file('client.key'),
      FLYWHEEL_TEMPORAL_TLS_SERVER_NAME: 'temporal.test',
      ...changes,
    });
  const asked = (changes: Readonly<Record<string, string | undefined>> = {}) =>
    withClient(settingsWith(changes), (client) => client.workflowService.describeNamespace({ namespace: 'default' }));

  it('work for commands and for workers with a client certificate', async () => {
    assert.equal((await asked()).namespaceInfo?.name, 'default');
    const connection = await NativeConnection.connect(await temporalConnectionOptions(settingsWith().temporal));
    try {
      const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace: 'default' });
      assert.equal(namespaceInfo?.name, 'default');
    } finally {
      await connection.close();
    }
  });

  it('fail without a certificate, with an authority that did not sign, with another name, and without TLS', async () => {
    for (const changes of [
      { FLYWHEEL_TEMPORAL_TLS_CERT: undefined, FLYWHEEL_TEMPORAL_TLS_KEY: undefined },
      { FLYWHEEL_TEMPORAL_TLS_CA: file('stranger.pem') },
      { FLYWHEEL_TEMPORAL_TLS_SERVER_NAME: 'another.test' },
    ])
      await assert.rejects(
        asked(changes),
        /expected a Temporal server on .* that takes our certificates by TLS, got none/,
      );
    const plain = readSettings({ FLYWHEEL_TEMPORAL_ADDRESS: address });
    await assert.rejects(
      withClient(plain, async () => undefined),
      /expected a Temporal server on [^ ]+, got none/,
    );
  });

  it('name a file that cannot be read', async () => {
    await assert.rejects(
      asked({ FLYWHEEL_TEMPORAL_TLS_CA: '/nowhere.pem' }),
      /FLYWHEEL_TEMPORAL_TLS_CA: expected a PEM file that can be read, got \/nowhere\.pem/,
    );
  });

  it('carry the API key, which no message repeats', async () => {
    const secret = 'a key that nobody may read';
    const heard: (string | undefined)[] = [];
    const server: Http2SecureServer = createSecureServer(await ofServer());
    server.on('connection', remember);
    server.on('stream', (stream, headers) => {
      heard.push(headers.authorization);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16' }, { endStream: true });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const told = await asked({
        FLYWHEEL_TEMPORAL_ADDRESS: `127.0.0.1:${(server.address() as AddressInfo).port}`,
        FLYWHEEL_TEMPORAL_API_KEY: secret,
      }).then(String, String);
      assert.ok(heard.length > 0);
      assert.ok(heard.every((header) => header === `Bearer ${secret}`));
      assert.ok(!told.includes(secret));
    } finally {
      server.close();
    }
  });
});

describe('TLS settings for Temporal', () => {
  it('are none by default, all of the system with true, and go together', () => {
    assert.deepEqual(readSettings({}).temporal.tls, undefined);
    assert.deepEqual({ ...readSettings({ FLYWHEEL_TEMPORAL_TLS: 'true' }).temporal.tls }, {});
    assert.deepEqual({ ...readSettings({ FLYWHEEL_TEMPORAL_API_KEY: 'k' }).temporal.tls }, {});
    for (const [environment, why] of [
      [{ FLYWHEEL_TEMPORAL_TLS_CERT: 'a' }, /TLS_CERT and FLYWHEEL_TEMPORAL_TLS_KEY together/],
      [{ FLYWHEEL_TEMPORAL_TLS_KEY: 'a' }, /together, got one of them/],
      [
        { FLYWHEEL_TEMPORAL_TLS: 'false', FLYWHEEL_TEMPORAL_API_KEY: 'top secret' },
        /expected true beside certificates/,
      ],
      [{ FLYWHEEL_TEMPORAL_TLS: 'maybe', FLYWHEEL_TEMPORAL_API_KEY: 'top secret' }, /FLYWHEEL_TEMPORAL_TLS/],
    ] as const) {
      assert.throws(
        () => readSettings(environment),
        (error: Error) => why.test(error.message) && !error.message.includes('top secret'),
      );
    }
  });
});
