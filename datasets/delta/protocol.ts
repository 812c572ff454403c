import type { MetaData, Protocol } from './actions.ts';
import { DeltaLogError } from './delta-log-error.ts';

/**
 * Tables made here ask of readers and writers as little as the format allows, so that every engine can use them.
 * Instants are stored with a time zone (`timestamp`), which needs no feature.
 */
export const ownProtocol: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

const knownReaderFeatures: readonly string[] = ['timestampNtz'];
const knownWriterFeatures: readonly string[] = ['appendOnly', 'invariants', 'timestampNtz'];

const unknownOf = (features: readonly string[] | undefined, known: readonly string[]): readonly string[] =>
  (features ?? []).filter((feature) => !known.includes(feature));

/** Throws `unsupported` when reading the table right needs something this code does not know. */
export function assertReadable(protocol: Protocol, root: string): void {
  const unknown = unknownOf(protocol.readerFeatures, knownReaderFeatures);
  const isKnown = protocol.minReaderVersion === 1 || (protocol.minReaderVersion === 3 && unknown.length === 0);
  if (isKnown) return;
  const got = `reader version ${protocol.minReaderVersion}${unknown.length === 0 ? '' : ` with ${unknown.join(', ')}`}`;
  throw new DeltaLogError(
    'unsupported',
    `expected a Delta table of reader version 1, or 3 with features among ${knownReaderFeatures.join(', ')}, got ${got}; ` +
      'another engine has upgraded the table: turn the feature off there, or copy the table',
    { table: root },
  );
}

/** Throws `unsupported` when writing the table right needs something this code does not know. */
export function assertWritable(protocol: Protocol, metaData: MetaData, root: string): void {
  assertReadable(protocol, root);
  const unknown = unknownOf(protocol.writerFeatures, knownWriterFeatures);
  const isKnown = protocol.minWriterVersion <= 2 || (protocol.minWriterVersion === 7 && unknown.length === 0);
  if (!isKnown) {
    const got = `writer version ${protocol.minWriterVersion}${unknown.length === 0 ? '' : ` with ${unknown.join(', ')}`}`;
    throw new DeltaLogError(
      'unsupported',
      `expected a Delta table of writer version ≤ 2, or 7 with features among ${knownWriterFeatures.join(', ')}, got ${got}`,
      { table: root },
    );
  }
  if (metaData.schemaString.includes('delta.invariants')) {
    throw new DeltaLogError('unsupported', 'expected no column invariants, got a schema with delta.invariants', {
      table: root,
    });
  }
}
