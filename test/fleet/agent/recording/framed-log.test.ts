import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { frameRecord, maxPayloadBytes, readRecords } from '../../../../fleet/agent/recording/framed-log.ts';

const payloads = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 12 });
const logOf = (all: readonly Uint8Array[]): Buffer => Buffer.concat(all.map((payload) => frameRecord(payload)));

describe('the framed log', () => {
  it('gives back what was written', () => {
    fc.assert(
      fc.property(payloads, (all) => {
        const read = readRecords(logOf(all));
        assert.deepEqual(
          read.payloads.map((each) => [...each]),
          all.map((each) => [...each]),
        );
        assert.equal(read.validBytes, logOf(all).length);
      }),
    );
  });

  it('ends at the last whole record, wherever the file was cut', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), (all, at) => {
        const log = logOf(all);
        const cut = log.subarray(0, at % (log.length + 1));
        const read = readRecords(cut);
        assert.deepEqual(
          read.payloads.map((each) => [...each]),
          all.slice(0, read.payloads.length).map((each) => [...each]),
        );
        const whole = logOf(all.slice(0, read.payloads.length));
        assert.equal(read.validBytes, whole.length);
        assert.ok(
          read.payloads.length === all.length || logOf(all.slice(0, read.payloads.length + 1)).length > cut.length,
        );
      }),
    );
  });

  it('reads nothing out of zeros, garbage and flipped bits', () => {
    const log = logOf([Buffer.from('one'), Buffer.from('two')]);
    assert.equal(readRecords(Buffer.concat([log, Buffer.alloc(4096)])).validBytes, log.length);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        assert.ok(readRecords(Buffer.concat([log, tail])).validBytes >= log.length);
      }),
    );
    for (let bit = 0; bit < log.length * 8; bit++) {
      const flipped = Buffer.from(log);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.ok(readRecords(flipped).payloads.length < 2, `bit ${bit}`);
    }
  });

  it('refuses records that are empty or too long', () => {
    assert.throws(() => frameRecord(new Uint8Array(0)), RangeError);
    assert.throws(() => frameRecord(new Uint8Array(maxPayloadBytes + 1)), RangeError);
  });
});
