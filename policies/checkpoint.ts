import { z } from 'zod';

/** One measurement on the way. */
export const curvePointSchema = z.strictObject({
  step: z.int(),
  /** Mean loss of the training steps since the last point. */
  trainLoss: z.number(),
  validationLoss: z.number(),
  validationAgreementFraction: z.number(),
});
export type CurvePoint = z.infer<typeof curvePointSchema>;

const headerSchema = z.strictObject({
  format: z.literal('flywheel.checkpoint.1'),
  /** Canonical text of everything that shapes the training; a checkpoint fits no other. */
  identity: z.string(),
  step: z.int(),
  lossSum: z.number(),
  lossSteps: z.int(),
  bestStep: z.int(),
  curve: z.array(curvePointSchema),
  lengths: z.array(z.int()),
});

/** The whole state of a training between two steps. */
export interface TrainingState {
  /** Steps done. */
  step: number;
  /** Sum and number of training losses since the last measurement. */
  lossSum: number;
  lossSteps: number;
  /** Step of the best validation loss so far; 0 before the first measurement. */
  bestStep: number;
  curve: CurvePoint[];
  parameters: Float32Array;
  firstMoment: Float32Array;
  secondMoment: Float32Array;
  bestParameters: Float32Array;
}

const vectors = ['parameters', 'firstMoment', 'secondMoment', 'bestParameters'] as const;

/** Bytes of a checkpoint: length of the header (uint32), header as JSON, padding to 4, the four vectors as float32, all little-endian. */
export function encodeCheckpoint(state: TrainingState, identity: string): Uint8Array {
  const { step, lossSum, lossSteps, bestStep, curve } = state;
  const lengths = vectors.map((name) => state[name].length);
  const header = { format: 'flywheel.checkpoint.1', identity, step, lossSum, lossSteps, bestStep, curve, lengths };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = Math.ceil((4 + text.length) / 4) * 4;
  const bytes = new Uint8Array(start + 4 * lengths.reduce((sum, length) => sum + length, 0));
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  let position = start;
  for (const name of vectors) {
    const { buffer, byteOffset, byteLength } = state[name];
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), position);
    position += byteLength;
  }
  return bytes;
}

/** A checkpoint of other settings or rows: it cannot be continued. */
export class OtherTraining extends Error {}

/** Reads a checkpoint; throws when it is damaged, and `OtherTraining` when it belongs to another training (`identity` differs). */
export function decodeCheckpoint(bytes: Uint8Array, identity: string): TrainingState {
  const textLength = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(4, 4 + textLength));
  const header = headerSchema.parse(JSON.parse(text));
  if (header.identity !== identity)
    throw new OtherTraining(
      `expected a checkpoint of this training, got one of another: ${header.identity.slice(0, 300)}`,
    );
  let position = Math.ceil((4 + textLength) / 4) * 4;
  const read = (index: number): Float32Array => {
    const end = position + 4 * (header.lengths[index] ?? 0);
    if (end > bytes.length) throw new Error(`expected ${end} bytes of checkpoint, got ${bytes.length}`);
    const copy = new Float32Array(Uint8Array.from(bytes.subarray(position, end)).buffer);
    position = end;
    return copy;
  };
  const { step, lossSum, lossSteps, bestStep, curve } = header;
  const [parameters, firstMoment, secondMoment, bestParameters] = [read(0), read(1), read(2), read(3)];
  return { step, lossSum, lossSteps, bestStep, curve, parameters, firstMoment, secondMoment, bestParameters };
}
