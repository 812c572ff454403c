import { z } from 'zod';

import { isZone } from '../../domain/maintenance/local-time.ts';
import { taskIdSchema } from '../robot-type.ts';
import { anyBlanks } from './csv-lines.ts';
import { dateOrders } from './source-time.ts';
import { textEncodings } from './text-encoding.ts';

const text = z.string().min(1).max(300);
/** Robots and sites as their ids are. */
const idPart = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and dashes');
const finite = z.number().min(-1e30).max(1e30);

/** How the values of a column become those of the robot type: by unit, or by `factor * value + offset`. */
const conversion = {
  /** Unit of the column, where it is another than the robot type's. */
  unit: z.string().min(1).max(32).optional(),
  scale: finite.optional(),
  offset: finite.optional(),
};

const valueSchema = z.union([
  z.strictObject({ name: text, column: text, ...conversion }),
  /** Nothing in the recording says it: every frame has this value. */
  z.strictObject({ name: text, fill: finite }),
]);

const equalsSchema = z.strictObject({ column: text, equals: z.string().max(300) });
const valueNamesSchema = z.array(z.strictObject({ value: z.string().max(300), is: text })).max(1024);

const timeSchema = z.union([
  /** A date and time in ISO 8601; `zone` for those without an offset. */
  z.strictObject({
    column: text,
    kind: z.literal('iso'),
    /** Column of the date, where `column` has the time of day alone. */
    date: text.optional(),
    /** How dates are written that ISO 8601 writes otherwise: 27/11/2026 or 11/27/2026. */
    order: z.enum(dateOrders).optional(),
    zone: z.string().refine(isZone, 'expected a time zone, e.g. Europe/Berlin').default('UTC'),
  }),
  /** A number since 1970 UTC; with `startsAt` since that instant, with `restarts` it begins anew with each episode. */
  z.strictObject({
    column: text,
    kind: z.enum(['s', 'ms', 'us', 'ns']),
    startsAt: z.iso.datetime({ offset: true }).optional(),
    restarts: z.boolean().default(false),
  }),
  /** MCAP: the log time of messages. */
  z.strictObject({ kind: z.literal('log') }),
  /** No column says it: rows come one a frame at the robot type's rate. */
  z.strictObject({ kind: z.literal('rows'), startsAt: z.iso.datetime({ offset: true }) }),
]);

const episodesSchema = z.strictObject({
  by: z.discriminatedUnion('kind', [
    /** Rows in a row with the same value. */
    z.strictObject({
      kind: z.literal('column'),
      column: text,
      /** Values between which an episode is; rows with others belong to none. */
      only: z.array(text).min(1).max(1024).optional(),
    }),
    /** Until nothing comes for longer than this. */
    z.strictObject({ kind: z.literal('gap'), longerThanS: z.number().positive().max(1e9) }),
    z.strictObject({ kind: z.literal('file') }),
    z.strictObject({ kind: z.literal('rows'), rows: z.int().min(1).max(200_000) }),
  ]),
  /** Shorter ones are not taken, and counted; validation judges the rest. */
  leaveOutShorterThan: z.int().min(1).max(1_000_000).default(1),
  /**
   * Names an episode within all recordings: `{source}`, `{file}`, `{robot}`, `{value}` of the column, `{row}` of its file
   * from 0, `{startUs}`. Its id is made of it, so the same name is the same episode.
   */
  name: text.default('{source}:{file}:{robot}:{value}:{row}'),
  /** Column with the ids (ULIDs) of episodes that came from a lake: they stay what they were. */
  idColumn: text.optional(),
});

/** How frames are made of the messages of an MCAP file. */
const mcapSchema = z.strictObject({
  /** `rate`: at the robot type's rate; or one a message of a topic. */
  frames: z.union([z.literal('rate'), z.strictObject({ topic: text })]).default('rate'),
  /** A frame shows nothing that is older. */
  maxAgeS: z.number().positive().max(60),
  /** What frames that are missing do to an episode: it ends before them, or is not taken. */
  gap: z.enum(['split', 'leaveOut']).default('split'),
  /** Cameras of the robot type, each with the field that holds its images as JPEG. */
  cameras: z
    .array(z.strictObject({ name: text, column: text }))
    .max(8)
    .default([]),
});

const lerobotSchema = z.strictObject({
  /** Cameras of the robot type, each with the feature whose videos or images are its clips. */
  cameras: z
    .array(
      z.strictObject({
        name: text,
        column: text,
        /** An episode whose video or images cannot be taken is not taken either; otherwise its numbers are. */
        required: z.boolean().default(true),
      }),
    )
    .max(8)
    .default([]),
});

const actionsSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  /** Values of the column by the names of the robot type's actions; those not listed are names themselves. */
  z.strictObject({ kind: z.literal('discrete'), column: text, values: valueNamesSchema.default([]) }),
  z.strictObject({ kind: z.literal('continuous'), ranges: z.array(valueSchema).min(1).max(256) }),
]);

const successSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('always') }),
  /** The last row says `success`, `failure` or `aborted`, and why. */
  z.strictObject({ kind: z.literal('said'), outcome: text, reason: text }),
  /** Any row that says one of these makes the episode a failure. */
  z.strictObject({
    kind: z.literal('failedWhen'),
    any: z
      .array(equalsSchema.extend({ reason: text }))
      .min(1)
      .max(64),
  }),
  /** The last row, or any, says that it succeeded; else it failed for this reason. */
  z.strictObject({
    kind: z.literal('succeededWhen'),
    row: z.enum(['last', 'any']),
    ...equalsSchema.shape,
    otherwise: text,
  }),
]);

/** What a person says of a recording so that it can be taken in; docs/import-export.md explains every field. */
export const importMapSchema = z.strictObject({
  /** Name of the recording: part of the ids of its episodes. */
  source: idPart,
  site: z.union([idPart, z.strictObject({ column: text })]).default('recording'),
  /** Text tables only. */
  csv: z
    .strictObject({
      /** Of the characters; without one UTF-8, or UTF-16 with a byte order mark. */
      encoding: z.enum(textEncodings).exactOptional(),
      /** One character, or `blanks`: one or more blanks or tabs. */
      separator: z.union([z.string().length(1), z.literal(anyBlanks)]).default(','),
      decimal: z.enum(['.', ',']).default('.'),
      header: z.enum(['present', 'absent', 'auto']).default('present'),
      columns: z.array(text).min(1).max(10_000).optional(),
      /** Lines of text, blank ones not counted, above the header or, without one, above the first row. */
      linesAbove: z.int().min(0).max(1_000).exactOptional(),
      /** Lines of text between the header and the first row, e.g. of units. */
      linesBelow: z.int().min(0).max(1_000).exactOptional(),
      /** Texts that a spreadsheet would take for a formula have an apostrophe before them that is not theirs. */
      guarded: z.boolean().default(false),
    })
    .optional(),
  mcap: mcapSchema.optional(),
  lerobot: lerobotSchema.optional(),
  robot: z.union([
    z.strictObject({ id: idPart }),
    z.strictObject({ column: text, prefix: z.string().max(32).default('') }),
    /** Robots in turn, each of so many episodes: `arm-` → arm-01, arm-02, … */
    z.strictObject({ prefix: z.string().min(1).max(32), episodesEach: z.int().min(1) }),
  ]),
  task: z.union([taskIdSchema, z.strictObject({ column: text, values: valueNamesSchema.default([]) })]),
  time: timeSchema,
  episodes: episodesSchema,
  observations: z.array(valueSchema).min(1).max(1024),
  actions: actionsSchema,
  /** What was done is what an expert would have done. */
  demonstration: z.boolean().default(false),
  success: successSchema.default({ kind: 'always' }),
  rows: z
    .strictObject({
      /** A row in which a mapped cell is blank. */
      blank: z.enum(['leaveOut', 'fail']).default('leaveOut'),
      /** A row in which a mapped cell cannot be read. */
      unreadable: z.enum(['leaveOut', 'fail']).default('fail'),
    })
    .default({ blank: 'leaveOut', unreadable: 'fail' }),
});

export type ImportMap = z.infer<typeof importMapSchema>;
export type MappedValue = ImportMap['observations'][number];
