import { z } from 'zod';

import { describeIssues } from '../domain/describe-issues.ts';
import { randomStream } from './random.ts';

/** What a person asks of a search that stops bad trainings early. */
export const searchRequestSchema = z.strictObject({
  trials: z.int().min(2).max(64).default(9),
  reduction: z.int().min(2).max(8).default(3),
  budgetTrainings: z.number().positive().max(64).default(3),
  firstSteps: z.int().min(1).max(100_000_000).optional(),
});
export type SearchRequest = z.infer<typeof searchRequestSchema>;

type Settings = Readonly<Record<string, unknown>>;

export interface DrawnTrial {
  /** For people: what is special about it. */
  readonly summary: string;
  readonly settings: Settings;
}

const rangeSchema = z
  .strictObject({
    from: z.number(),
    to: z.number(),
    scale: z.enum(['linear', 'log']).default('linear'),
    whole: z.boolean().default(false),
  })
  .refine(({ from, to }) => from < to, 'expected from < to')
  .refine(({ from, scale }) => scale === 'linear' || from > 0, 'expected from > 0 with the scale log')
  .refine(({ from, to, whole }) => !whole || (Number.isInteger(from) && Number.isInteger(to)), 'expected whole ends');
const choicesSchema = z.strictObject({ oneOf: z.array(z.unknown()).min(1).max(64) });

type Draw = (uniform: number) => unknown;

/** What decides where trials are compared must be the same for all. */
const common = ['maxSteps', 'evaluateEverySteps'];

/**
 * Settings of at most `count` different trials. Each setting that is given as `{"oneOf": [...]}` or `{"from", "to", "scale", "whole"}` is
 * drawn anew for every trial, a function of (seed, name of the setting, trial); all others stay. Without any, it is drawn around
 * `around`, and the settings themselves are the first trial. Fewer trials come out where there are no more. Throws a RangeError, in words.
 */
export function drawTrials(settings: Settings, around: Settings, count: number, seed: number): readonly DrawnTrial[] {
  const given = drawsOf(settings);
  const draws = given.size > 0 ? given : drawsOf(around);
  if (draws.size === 0)
    throw new RangeError(
      'expected settings to search over, such as "learningRate": {"oneOf": [0.01, 0.003]} or {"from": 0.001, "to": 0.1, "scale": "log"}, or a learningRate that is a number, got none',
    );
  const names = [...draws.keys()];
  const streams = new Map(names.map((name) => [name, randomStream(seed, `search ${name}`)]));
  const found = new Map<string, DrawnTrial>();
  if (given.size === 0) found.set('', { summary: 'as given', settings });
  for (let attempt = 0; attempt < 50 * count && found.size < count; attempt += 1) {
    const drawn = [...draws].map(([name, draw]) => [name, draw(streams.get(name)?.() ?? 0)] as const);
    const summary = drawn.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', ');
    if (!found.has(summary)) found.set(summary, { summary, settings: { ...settings, ...Object.fromEntries(drawn) } });
  }
  if (found.size < 2) throw new RangeError(`expected settings of which two trials can differ, got one of them only`);
  return [...found.values()];
}

function drawsOf(settings: Settings): ReadonlyMap<string, Draw> {
  const draws = new Map<string, Draw>();
  for (const [name, value] of Object.entries(settings)) {
    const draw = drawOf(name, value);
    if (draw === undefined) continue;
    if (common.includes(name))
      throw new RangeError(`${name}: expected one value for all trials of a search, got several`);
    draws.set(name, draw);
  }
  return draws;
}

function drawOf(name: string, value: unknown): Draw | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('oneOf' in value) {
    const { oneOf } = readAs(choicesSchema, name, value);
    return (uniform) => oneOf[Math.floor(uniform * oneOf.length)];
  }
  if (!('from' in value && 'to' in value)) return undefined;
  const { from, to, scale, whole } = readAs(rangeSchema, name, value);
  return (uniform) => {
    if (whole && scale === 'linear') return from + Math.floor(uniform * (to - from + 1));
    const drawn = scale === 'log' ? from * (to / from) ** uniform : from + uniform * (to - from);
    const rounded = whole ? Math.round(drawn) : Number(drawn.toPrecision(3));
    return Math.min(to, Math.max(from, rounded));
  };
}

function readAs<Schema extends z.ZodType>(schema: Schema, name: string, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RangeError(`${name}: ${describeIssues(parsed.error)}`);
}

/** Around a number that has to be positive, from a tenth of it to three times as much. */
export const aroundRate = (rate: number): Settings[string] => ({
  from: Number((rate / 10).toPrecision(3)),
  to: Number(Math.min(1, 3 * rate).toPrecision(3)),
  scale: 'log',
});
