import { z } from 'zod';

const name = z.string().min(1).max(200);
const pairs = z.array(z.tuple([name, name])).max(1024);
const numbersSchema = z.strictObject({
  /** Pairs that change places, e.g. the left and the right range. */
  swapped: pairs.exactOptional(),
  /** Numbers that change their sign, e.g. the rate of turning; of a pair that changes places, both or neither. */
  negated: z.array(name).max(1024).exactOptional(),
});

/**
 * What is left and right: how a recording reads in a mirror. Names that are not listed stay as they are. A mirrored recording must be a
 * valid recording of the same task.
 */
export const mirrorSchema = z.strictObject({
  observations: numbersSchema.exactOptional(),
  actions: numbersSchema.exactOptional(),
  /** Each image is mirrored; those of a pair also change places. */
  cameras: z.strictObject({ swapped: pairs.exactOptional() }).exactOptional(),
});
export type Mirror = z.infer<typeof mirrorSchema>;

/** What of a robot type says whether its mirror can be. */
interface MirroredType {
  readonly mirror?: Mirror | undefined;
  readonly observations: readonly NumberRange[];
  readonly actions:
    | { readonly kind: 'discrete'; readonly names: readonly string[] }
    | { readonly kind: 'continuous'; readonly ranges: readonly NumberRange[] }
    | { readonly kind: 'none' };
  readonly cameras?: readonly LearnedCamera[] | undefined;
}
interface NumberRange {
  readonly name: string;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly saturatesAt?: number | undefined;
}
interface LearnedCamera {
  readonly name: string;
  readonly learned: { readonly width: number; readonly height: number };
}

export interface MirrorProblem {
  readonly path: readonly (string | number)[];
  /** What was expected there. */
  readonly expected: string;
}

/**
 * Everything that keeps a mirror from being one: unknown names, a name in two pairs, a pair of one name, a pair of which one changes its sign, ranges
 * that a mirrored value would leave. Without any, mirroring twice gives back what was there.
 */
export function* mirrorProblems({
  mirror,
  observations,
  actions,
  cameras = [],
}: MirroredType): Generator<MirrorProblem> {
  if (mirror === undefined) return;
  const under = (part: string, found: Iterable<MirrorProblem>): MirrorProblem[] =>
    [...found].map(({ path, expected }) => ({ path: ['mirror', part, ...path], expected }));
  yield* under('observations', numberProblems(mirror.observations ?? {}, observations, 'an observation'));
  if (actions.kind === 'continuous')
    yield* under('actions', numberProblems(mirror.actions ?? {}, actions.ranges, 'an action'));
  else yield* under('actions', actionProblems(mirror.actions ?? {}, actions.kind === 'none' ? [] : actions.names));
  const swapped = mirror.cameras?.swapped ?? [];
  const sizes = cameras.map((camera) => ({ name: camera.name, shape: JSON.stringify(camera.learned) }));
  yield* under('cameras', pairProblems(swapped, sizes, 'a camera', 'of the same learned size'));
}

type Numbers = NonNullable<Mirror['observations']>;

function* actionProblems({ swapped = [], negated = [] }: Numbers, names: readonly string[]): Generator<MirrorProblem> {
  if (negated.length > 0) yield { path: ['negated'], expected: 'nothing here: only continuous actions have a sign' };
  const all = names.map((each) => ({ name: each, shape: '' }));
  yield* pairProblems(swapped, all, 'an action', '');
}

function* numberProblems(
  { swapped = [], negated = [] }: Numbers,
  ranges: readonly NumberRange[],
  what: string,
): Generator<MirrorProblem> {
  const shaped = ranges.map(({ name: of, unit, min, max, saturatesAt }) => ({
    name: of,
    shape: JSON.stringify([unit, min, max, saturatesAt]),
  }));
  yield* pairProblems(swapped, shaped, what, 'of the same unit and range');
  for (const [index, each] of negated.entries()) {
    const range = ranges.find(({ name: of }) => of === each);
    const other = swapped.find((pair) => pair.includes(each))?.find((of) => of !== each);
    const path = ['negated', index];
    if (range === undefined) yield { path, expected: `the name of ${what}` };
    else if (negated.indexOf(each) !== index) yield { path, expected: 'a name that is not yet in the list' };
    else if (range.min !== -range.max || range.saturatesAt !== undefined)
      yield { path, expected: 'one whose range is from -max to max, without saturatesAt' };
    else if (other !== undefined && !negated.includes(other))
      yield { path, expected: `its partner ${other} in this list as well` };
  }
}

interface Shaped {
  readonly name: string;
  /** Two of a pair have the same. */
  readonly shape: string;
}

function* pairProblems(
  swapped: readonly (readonly [string, string])[],
  known: readonly Shaped[],
  what: string,
  alike: string,
): Generator<MirrorProblem> {
  const taken = new Set<string>();
  for (const [index, pair] of swapped.entries()) {
    for (const [place, each] of pair.entries()) {
      const path = ['swapped', index, place];
      if (!known.some(({ name: of }) => of === each)) yield { path, expected: `the name of ${what}` };
      else if (taken.has(each)) yield { path, expected: 'a name that is in no other place of the list' };
      taken.add(each);
    }
    const shapes = pair.map((each) => known.find(({ name: of }) => of === each)?.shape);
    if (!shapes.includes(undefined) && shapes[0] !== shapes[1])
      yield { path: ['swapped', index], expected: `two ${alike}` };
  }
}
