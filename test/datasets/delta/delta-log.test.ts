import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { lakeFrameColumns, type Column } from '../../../datasets/columns.ts';
import { parseCommit, serialiseActions, type Action, type AddFile } from '../../../datasets/delta/actions.ts';
import { logPathOf, relativeKeyOf } from '../../../datasets/delta/data-paths.ts';
import { DeltaLogError, type DeltaLogErrorKind } from '../../../datasets/delta/delta-log-error.ts';
import { columnsWithForbiddenNulls, statsOf } from '../../../datasets/delta/file-stats.ts';
import { checkpointPartKeys, parseLogKey } from '../../../datasets/delta/log-names.ts';
import type { MetaData } from '../../../datasets/delta/actions.ts';
import { assertReadable, assertWritable, ownProtocol } from '../../../datasets/delta/protocol.ts';
import { replay, snapshotActions, type Commit } from '../../../datasets/delta/snapshot.ts';
import { extendedSchemaString, missingColumns, schemaStringOf } from '../../../datasets/delta/table-schema.ts';

const metaData = {
  id: 'id',
  format: { provider: 'parquet', options: {} },
  schemaString: schemaStringOf(lakeFrameColumns),
  partitionColumns: ['recorded_on'],
};
const add = (path: string): AddFile => ({
  path,
  partitionValues: { recorded_on: '2026-11-22' },
  size: 1,
  modificationTime: 0,
  dataChange: true,
});
const remove = (path: string, deletionTimestamp = 0): Action => ({
  remove: { path, deletionTimestamp, dataChange: true },
});
const begin: Commit = { version: 0, actions: [{ protocol: ownProtocol }, { metaData }] };
const isKind = (kind: DeltaLogErrorKind) => (error: unknown) => error instanceof DeltaLogError && error.kind === kind;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const of = (name: string) => parseLogKey('t', `t/_delta_log/${name}`);
const range = (min: string, max: string) => ({ min, max, null_count: '1' });
const writable = (protocol: typeof ownProtocol, schemaString = '{}') =>
  assertWritable(protocol, { ...metaData, schemaString }, 't');

describe('Delta log: actions', () => {
  it('round trips what it writes', () => {
    const actions: Action[] = [
      { protocol: ownProtocol },
      { metaData },
      { add: add('a') },
      { txn: { appId: 'x', version: 3 } },
    ];
    assert.deepEqual(
      JSON.parse(JSON.stringify(parseCommit(serialiseActions(actions), {}))),
      JSON.parse(JSON.stringify(actions)),
    );
  });

  it('ignores actions and fields of other writers, and reads the example of the format', () => {
    const lines = [
      '{"commitInfo":{"timestamp":1,"operation":"WRITE"}}',
      '{"domainMetadata":{"domain":"d","configuration":"","removed":false}}',
      '{"txn":{"appId":"a","version":0,"lastUpdated":null,"more":1}}',
      '{"add":{"path":"p","partitionValues":{"d":null},"size":1,"modificationTime":2,"dataChange":true,"stats":null,"clusteringProvider":"z"}}',
    ];
    const actions = parseCommit(encode(`${lines.join('\n')}\n`), {});
    assert.deepEqual(
      actions.map((action) => Object.keys(action)),
      [['txn'], ['add']],
    );
  });

  it('says which line of a torn or foreign commit is wrong', () => {
    for (const [text, message] of [
      ['{"add":{"path":"p"', /JSON object on every line/],
      ['{"commitInfo":{}}\n{"add":{"path":1}}', /add\.path/],
    ] as const) {
      assert.throws(
        () => parseCommit(encode(text), { version: 7 }),
        (error: unknown) => {
          assert.ok(isKind('corrupt')(error));
          assert.match((error as Error).message, message);
          return true;
        },
      );
    }
  });
});

describe('Delta log: names and paths', () => {
  it('knows commits and checkpoints from everything else', () => {
    assert.deepEqual(of('00000000000000000012.json'), { kind: 'commit', version: 12 });
    assert.deepEqual(of('00000000000000000012.checkpoint.parquet'), {
      kind: 'checkpoint',
      version: 12,
      part: 1,
      parts: 1,
    });
    const [, second = ''] = checkpointPartKeys('t', 12, 3);
    assert.deepEqual(parseLogKey('t', second), { kind: 'checkpoint', version: 12, part: 2, parts: 3 });
    for (const name of [
      '_last_checkpoint',
      '00000000000000000012.crc',
      '00000000000000000001.00000000000000000012.compacted.json',
    ]) {
      assert.equal(of(name), undefined);
    }
    assert.equal(of('00000000000000000012.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet'), undefined);
  });

  it('encodes once what the key holds, and leaves = and / alone', () => {
    assert.equal(logPathOf('recorded_on=2026-11-22/part-1.parquet'), 'recorded_on=2026-11-22/part-1.parquet');
    assert.equal(logPathOf('task=a%3Db/x y#?.parquet'), 'task=a%253Db/x%20y%23%3F.parquet');
    assert.equal(relativeKeyOf('task=a%253Db/x%20y.parquet'), 'task=a%3Db/x y.parquet');
  });

  it('decodes what it encoded, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
        assert.equal(relativeKeyOf(logPathOf(`part-${name}`)), `part-${name}`);
      }),
    );
  });

  it('refuses paths outside of the table', () => {
    for (const path of ['/etc/passwd', 's3://bucket/a.parquet', 'file:///a', '%'])
      assert.equal(relativeKeyOf(path), undefined);
  });
});

describe('Delta log: protocol', () => {
  it('reads and writes what it makes, and features it knows', () => {
    writable(ownProtocol);
    writable({
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: ['timestampNtz'],
      writerFeatures: ['timestampNtz', 'appendOnly'],
    });
  });

  it('refuses what it does not know', () => {
    for (const protocol of [
      { minReaderVersion: 2, minWriterVersion: 5 },
      {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ['columnMapping'],
        writerFeatures: ['columnMapping'],
      },
      { minReaderVersion: 4, minWriterVersion: 8 },
    ]) {
      assert.throws(() => assertReadable(protocol, 't'), isKind('unsupported'));
    }
    const unknown = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['icebergCompat'] };
    assert.throws(() => writable(unknown), /icebergCompat/);
    assert.throws(() => writable({ minReaderVersion: 1, minWriterVersion: 8 }), /writer version 8/);
    assert.throws(() => writable(ownProtocol, '{"metadata":{"delta.invariants":"x > 1"}}'), isKind('unsupported'));
  });
});

describe('Delta log: features that a table names', () => {
  const protocols = [
    { minReaderVersion: 1, minWriterVersion: 6 },
    {
      minReaderVersion: 1,
      minWriterVersion: 7,
      writerFeatures: ['checkConstraints', 'changeDataFeed', 'generatedColumns'],
    },
  ];
  const configured = (name: string, value: string): MetaData => ({ ...metaData, configuration: { [name]: value } });

  it('ask nothing of a writer while nothing uses them', () => {
    for (const protocol of protocols) {
      assertWritable(protocol, metaData, 't');
      assertWritable(protocol, configured('delta.enableChangeDataFeed', 'false'), 't');
      assertWritable(protocol, configured('delta.columnMapping.mode', 'none'), 't');
    }
  });

  it('are refused by name while something does', () => {
    const used: readonly (readonly [string, MetaData])[] = [
      ['checkConstraints', configured('delta.constraints.positive', 'x > 0')],
      ['changeDataFeed', configured('delta.enableChangeDataFeed', 'true')],
      ['columnMapping', configured('delta.columnMapping.mode', 'name')],
      ['generatedColumns', { ...metaData, schemaString: '{"metadata":{"delta.generationExpression":"x"}}' }],
      ['identityColumns', { ...metaData, schemaString: '{"metadata":{"delta.identity.start":1}}' }],
    ];
    for (const protocol of protocols) {
      for (const [name, withIt] of used) assert.throws(() => assertWritable(protocol, withIt, 't'), new RegExp(name));
    }
  });
});

describe('Delta log: replay', () => {
  it('adds and removes files, keeps tombstones and transactions', () => {
    const snapshot = replay('t', undefined, [
      begin,
      { version: 1, actions: [{ txn: { appId: 'a', version: 5 } }, { add: add('x') }, { add: add('y%20z') }] },
      { version: 2, actions: [remove('x', 10), { txn: { appId: 'a', version: 6 } }, { add: add('w') }] },
    ]);
    assert.deepEqual([...snapshot.files.keys()], ['y z', 'w']);
    assert.deepEqual([...snapshot.tombstones.keys()], ['x']);
    assert.deepEqual(snapshot.transactions, new Map([['a', 6]]));
    assert.equal(snapshot.version, 2);
  });

  it('matches a remove to its add whichever way the path is encoded', () => {
    const snapshot = replay('t', undefined, [
      begin,
      { version: 1, actions: [{ add: add('d=1/a b.parquet') }] },
      { version: 2, actions: [remove('d%3D1/a%20b.parquet')] },
    ]);
    assert.equal(snapshot.files.size, 0);
  });

  it('is the same in one go, step by step, and from a checkpoint', () => {
    const step = fc.record({ path: fc.constantFrom('a', 'b', 'c', 'd'), isAdd: fc.boolean() });
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 3 }), { maxLength: 12 }), fc.nat(12), (steps, cut) => {
        const commits = [
          begin,
          ...steps.map((actions, index) => ({
            version: index + 1,
            actions: actions.map(({ path, isAdd }) => (isAdd ? { add: add(path) } : remove(path))),
          })),
        ];
        const whole = replay('t', undefined, commits);
        const stepwise = commits
          .slice(1)
          .reduce((base, commit) => replay('t', base, [commit]), replay('t', undefined, [begin]));
        assert.deepEqual(new Set(stepwise.files.keys()), new Set(whole.files.keys()));
        const at = Math.min(cut, commits.length - 1);
        const earlier = replay('t', undefined, commits.slice(0, at + 1));
        const checkpoint = { version: earlier.version, actions: snapshotActions(earlier, 0) };
        const resumed = replay('t', replay('t', undefined, [checkpoint]), commits.slice(at + 1));
        assert.deepEqual(new Set(resumed.files.keys()), new Set(whole.files.keys()));
        assert.deepEqual(new Set(resumed.tombstones.keys()), new Set(whole.tombstones.keys()));
      }),
    );
  });

  it('forgets tombstones that are older than asked for', () => {
    const removed = [remove('x', 10), remove('y', 20)];
    const snapshot = replay('t', undefined, [begin, { version: 1, actions: removed }]);
    const kept = snapshotActions(snapshot, 15).flatMap((action) => ('remove' in action ? [action.remove.path] : []));
    assert.deepEqual(kept, ['y']);
  });

  it('refuses gaps, logs without a schema, and files elsewhere', () => {
    assert.throws(() => replay('t', undefined, [begin, { version: 2, actions: [] }]), isKind('corrupt'));
    assert.throws(() => replay('t', undefined, [{ version: 0, actions: [] }]), isKind('corrupt'));
    const elsewhere = { version: 1, actions: [{ add: add('s3://other/x') }] };
    assert.throws(() => replay('t', undefined, [begin, elsewhere]), isKind('unsupported'));
  });
});

describe('Delta log: schema and statistics', () => {
  const more: Column = { name: 'more', type: 'float64', nullable: true, doc: '' };

  it('finds the columns an older table lacks, and adds them', () => {
    const columns = [...lakeFrameColumns, more];
    assert.deepEqual(missingColumns(metaData.schemaString, lakeFrameColumns, 't'), []);
    assert.deepEqual(missingColumns(metaData.schemaString, columns, 't'), [more]);
    const extended = extendedSchemaString(metaData.schemaString, [more], 't');
    assert.deepEqual(missingColumns(extended, columns, 't'), []);
    assert.equal(extendedSchemaString(extended, [], 't'), extended);
  });

  it('refuses another type and a missing column that may not be null', () => {
    const changed = metaData.schemaString.replace('"integer"', '"long"');
    assert.throws(() => missingColumns(changed, lakeFrameColumns, 't'), /frame_index of type integer, got long/);
    const required = [...lakeFrameColumns, { ...more, nullable: false }];
    assert.throws(() => missingColumns(metaData.schemaString, required, 't'), isKind('unsupported'));
    assert.throws(() => missingColumns('{', lakeFrameColumns, 't'), isKind('corrupt'));
  });

  it('states only what cannot be wrong', () => {
    const columns: readonly Column[] = [
      { name: 'id', type: 'string', nullable: false, doc: '' },
      { name: 'long', type: 'string', nullable: true, doc: '' },
      { name: 'emoji', type: 'string', nullable: true, doc: '' },
      { name: 'n', type: 'int64', nullable: true, doc: '' },
      { name: 'huge', type: 'int64', nullable: true, doc: '' },
      { name: 'x', type: 'float64', nullable: true, doc: '' },
      { name: 'at', type: 'timestamp', nullable: true, doc: '' },
      { name: 'absent', type: 'string', nullable: true, doc: '' },
    ];
    const stats = statsOf(
      {
        rowCount: 9,
        columns: {
          id: { min: 'a', max: 'b', null_count: '0' },
          long: range('a', 'z'.repeat(40)),
          emoji: range('a', '🤖'),
          n: range('-3', '4'),
          huge: range('0', '9007199254740993'),
          x: range('0', '1'),
          at: range('2020-01-01 00:00:00+00', '2020-01-01 00:00:00+00'),
        },
      },
      columns,
    );
    assert.deepEqual(JSON.parse(stats), {
      numRecords: 9,
      minValues: { id: 'a', n: -3 },
      maxValues: { id: 'b', n: 4 },
      nullCount: { id: 0, long: 1, emoji: 1, n: 1, huge: 1, x: 1, at: 1 },
    });
  });

  it('finds nulls where none may be', () => {
    const columns: readonly Column[] = [
      { name: 'id', type: 'string', nullable: false, doc: '' },
      { name: 'maybe', type: 'string', nullable: true, doc: '' },
      { name: 'unknown', type: 'int32', nullable: false, doc: '' },
    ];
    const file = { rowCount: 3, columns: { id: { null_count: '2' }, maybe: { null_count: '3' } } };
    assert.deepEqual(columnsWithForbiddenNulls(file, columns), ['id (2)', 'unknown (unknown)']);
  });
});
