import { z } from 'zod';

import { cameraNameSchema } from '../../../datasets/camera.ts';
import { outcomes } from '../../../datasets/columns.ts';
import { latencyPartsSchema, telemetryEntrySchema, ulidSchema } from '../../protocol/index.ts';
import { stampSchema } from '../local/dating.ts';

const instantUs = z.int().min(0);
const numbers = z.array(z.number()).max(1024);

/** Telemetry as the robot keeps it until a gateway has it: told apart by (boot, seq) for ever. */
export const keptEntrySchema = z.object({
  bootId: ulidSchema,
  /** Robot clock minus gateway clock when it was made, as then known; null before the first contact ever. */
  skewMs: z.number().nullable(),
  /** An older agent has none: its times hold by `skewMs`. */
  stamp: stampSchema.optional(),
  /** Whose version it speaks of; an older agent does not say, and followed one policy all its life. */
  policy: z.string().optional(),
  entry: telemetryEntrySchema,
  /** Of an episode: sent with the entry to gateways that know it, and not part of it here because an older agent would refuse the entry. */
  latencyParts: latencyPartsSchema.optional(),
});
export type KeptEntry = z.infer<typeof keptEntrySchema>;

/** What the spool holds, in the order it happened; JSON. Readers of a newer agent must accept what an older one wrote. */
export const spoolRecordSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('begin'),
    episodeId: ulidSchema,
    task: z.string(),
    /** Null when the robot acted without a policy of the fleet. */
    policyVersion: z.string().nullable(),
    trialId: z.string().nullable(),
    /** Whose version that is; an older agent does not say. */
    policy: z.string().optional(),
    startedAtUs: instantUs,
    skewMs: z.number().nullable(),
    /** Of all instants of the episode; an older agent has none. */
    stamp: stampSchema.optional(),
    /** The body it was recorded by: the robot may have another by now; an older agent has none. */
    robotType: z
      .object({ id: z.string().min(1).max(63), version: z.int().min(1), digest: z.string().regex(/^[0-9a-f]{64}$/) })
      .optional(),
  }),
  z.object({
    kind: z.literal('frame'),
    atUs: instantUs,
    observation: numbers,
    action: numbers,
    expertAction: numbers.nullable(),
    latencyMs: z.number().min(0).nullable(),
    /** How much of it went into images; an older agent does not say. */
    decodingMs: z.number().min(0).optional(),
  }),
  z.object({ kind: z.literal('intervene') }),
  z.object({
    kind: z.literal('end'),
    outcome: z.enum(outcomes),
    reason: z.string().nullable(),
    endedAtUs: instantUs,
    /** The same fact for the gateway: one write makes both. */
    kept: keptEntrySchema,
  }),
  /** Telemetry that is no episode; `files` names the segments that a `dropped` entry counts. */
  z.object({ kind: z.literal('entry'), kept: keptEntrySchema, files: z.array(z.string()).optional() }),
  /** Which clips the segment names for an episode; the last one of an episode holds. An older agent skips it. */
  z.object({
    kind: z.literal('clips'),
    episodeId: ulidSchema,
    clips: z
      .array(
        z.object({
          camera: cameraNameSchema,
          sha256: z.string().regex(/^[0-9a-f]{64}$/),
          startedAtUs: instantUs,
          durationMs: z.int().min(0),
        }),
      )
      .max(64),
  }),
  /** Last record: from here on the file is a pure input, and converting it gives the same bytes however often it is done. */
  z.object({
    kind: z.literal('seal'),
    skewMs: z.number(),
    agentVersion: z.string(),
    site: z.string(),
    /** How the spool's stamped instants are dated; an older agent has none. */
    dating: z
      .discriminatedUnion('kind', [
        z.object({ kind: z.literal('known'), gatewayOffsetMs: z.number() }),
        z.object({ kind: z.literal('unknown'), beforeMs: z.number() }),
      ])
      .optional(),
  }),
]);

export type SpoolRecord = z.infer<typeof spoolRecordSchema>;
export type RecordOf<Kind extends SpoolRecord['kind']> = Extract<SpoolRecord, { kind: Kind }>;
