import type { MetaData, Protocol } from './actions.ts';
import { DeltaLogError } from './delta-log-error.ts';

/**
 * Tables made here ask of readers and writers as little as the format allows, so that every engine can use them.
 * Instants are stored with a time zone (`timestamp`), which needs no feature.
 */
export const ownProtocol: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

const knownReaderFeatures: readonly string[] = ['timestampNtz'];
const knownWriterFeatures: readonly string[] = ['appendOnly', 'invariants', 'timestampNtz'];
/**
 * Features that ask nothing of a writer while no table property or column uses them; what uses them, as the configuration
 * or the schema shows. Writer versions 3 to 6 are these, in this order.
 * https://github.com/delta-io/delta/blob/master/PROTOCOL.md#table-features
 */
const idleFeatures: readonly { readonly name: string; readonly version: number; readonly usedBy: RegExp }[] = [
  { name: 'checkConstraints', version: 3, usedBy: /^delta\.constraints\./ },
  { name: 'changeDataFeed', version: 4, usedBy: /^delta\.enableChangeDataFeed=true$/i },
  { name: 'generatedColumns', version: 4, usedBy: /delta\.generationExpression/ },
  { name: 'columnMapping', version: 5, usedBy: /^delta\.columnMapping\.mode=(?!none$)/i },
  { name: 'identityColumns', version: 6, usedBy: /delta\.identity\./ },
];

/** Features of `idleFeatures` that the table's configuration or schema uses. */
function featuresInUse({ configuration, schemaString }: MetaData): readonly string[] {
  const properties = Object.entries(configuration ?? {}).map(([name, value]) => `${name}=${value}`);
  return idleFeatures
    .filter(({ usedBy }) => usedBy.test(schemaString) || properties.some((property) => usedBy.test(property)))
    .map(({ name }) => name);
}

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
  const { minWriterVersion: version } = protocol;
  const known = [...knownWriterFeatures, ...idleFeatures.map(({ name }) => name)];
  const unknown = unknownOf(protocol.writerFeatures, known);
  const used = version <= 2 ? [] : featuresInUse(metaData);
  if (version > 7 || unknown.length > 0 || used.length > 0) {
    const what = [...unknown, ...used];
    throw new DeltaLogError(
      'unsupported',
      `expected a Delta table of writer version ≤ 7 that uses no feature but ${knownWriterFeatures.join(', ')}, got ` +
        `writer version ${version}${what.length === 0 ? '' : ` with ${what.join(', ')}`}; drop it with the engine that added it`,
      { table: root },
    );
  }
  if (metaData.schemaString.includes('delta.invariants')) {
    throw new DeltaLogError('unsupported', 'expected no column invariants, got a schema with delta.invariants', {
      table: root,
    });
  }
}
