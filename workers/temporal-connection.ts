import { readFile } from 'node:fs/promises';

import type { Settings } from './config.ts';

/** What the clients of commands and workers connect with; both SDK connections take it. */
export interface TemporalConnectionOptions {
  readonly address: string;
  readonly tls?: {
    readonly serverNameOverride?: string;
    readonly serverRootCACertificate?: Buffer;
    readonly clientCertPair?: { readonly crt: Buffer; readonly key: Buffer };
  };
  readonly apiKey?: string;
}

/** Reads the certificates that the settings name; throws naming the setting and the file when one cannot be read. */
export async function temporalConnectionOptions({
  address,
  tls,
  apiKey,
}: Settings['temporal']): Promise<TemporalConnectionOptions> {
  if (tls === undefined) return { address };
  const { caFile, certFile, keyFile, serverName } = tls;
  const [ca, crt, key] = await Promise.all([
    bytesOf('FLYWHEEL_TEMPORAL_TLS_CA', caFile),
    bytesOf('FLYWHEEL_TEMPORAL_TLS_CERT', certFile),
    bytesOf('FLYWHEEL_TEMPORAL_TLS_KEY', keyFile),
  ]);
  return {
    address,
    ...(apiKey === undefined ? {} : { apiKey }),
    tls: {
      ...(serverName === undefined ? {} : { serverNameOverride: serverName }),
      ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
      ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
    },
  };
}

async function bytesOf(setting: string, file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file);
  } catch (cause) {
    throw new Error(`settings: ${setting}: expected a PEM file that can be read, got ${file}`, { cause });
  }
}
