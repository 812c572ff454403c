import { z } from 'zod';

const name = z.string().min(1);
/** Values are kept as 32-bit floats. */
const value = z.number().min(-3.4e38).max(3.4e38);
/** Beyond this either way a unit is mistaken, and a chain of versions would leave what a float can hold. */
const [leastFactor, greatestFactor] = [1e-9, 1e9];
const factor = z.number().refine((given) => Math.abs(given) >= leastFactor && Math.abs(given) <= greatestFactor, {
  error: `expected a factor of ${leastFactor} to ${greatestFactor} either way, not 0`,
});

const renamed = z.strictObject({ name, is: z.literal('renamed'), from: name });
const scaled = z.strictObject({
  name,
  is: z.literal('scaled'),
  /** Name in the followed version; not there: the same. */
  from: name.exactOptional(),
  factor,
  /** 0 when not given. */
  offset: value.exactOptional(),
});

const featureRuleSchema = z.discriminatedUnion('is', [
  renamed,
  scaled,
  z.strictObject({ name, is: z.literal('new'), fill: value }),
]);
const actionRuleSchema = z.discriminatedUnion('is', [
  renamed,
  scaled,
  /** `fill` for a continuous action only: what frames of the followed version are read to have commanded. */
  z.strictObject({ name, is: z.literal('new'), fill: value.exactOptional() }),
]);
const goneSchema = z.union([name, z.strictObject({ name, fill: value })]);

/**
 * How a version of a robot type follows an earlier one, feature by feature and action by action: value here = `factor` × value
 * there + `offset`. What both have under one name and no rule names is the same. Everything of both is accounted for.
 */
export const followsSchema = z.strictObject({
  version: z.int().min(1),
  observations: z.array(featureRuleSchema).max(1024).exactOptional(),
  /** Features of the followed version that nothing here reads; with `fill`, what robots of the followed version are read to sense there. */
  gone: z.array(goneSchema).max(1024).exactOptional(),
  actions: z.array(actionRuleSchema).max(1024).exactOptional(),
  goneActions: z.array(goneSchema).max(1024).exactOptional(),
});

export type Follows = z.infer<typeof followsSchema>;
/** A rule of a feature or of an action. */
export type FollowRule = z.infer<typeof actionRuleSchema>;
export type Gone = z.infer<typeof goneSchema>;

/** Name in the followed version; undefined for what it did not have. */
export const sourceOf = (rule: FollowRule): string | undefined =>
  rule.is === 'new' ? undefined : rule.is === 'renamed' ? rule.from : (rule.from ?? rule.name);

export const goneName = (gone: Gone): string => (typeof gone === 'string' ? gone : gone.name);
export const goneFill = (gone: Gone): number | undefined => (typeof gone === 'string' ? undefined : gone.fill);
