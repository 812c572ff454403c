import { canonicalJson } from '../../domain/canonical-json.ts';
import { robotTypeName, type RobotType } from '../robot-type.ts';
import { documentOf } from '../taught-type.ts';

/** `up`: from a version to the one it follows; `down`: from a version to one that follows it. */
export interface LineageStep {
  readonly way: 'up' | 'down';
  readonly newer: RobotType;
  readonly older: RobotType;
}

/**
 * The steps from one version to another: up to the newest that both descend from, then down. A text says why there are none. A version
 * follows an earlier one only, so that the walk ends whatever the documents say.
 */
export function lineageOf(
  from: RobotType,
  to: RobotType,
  chain: readonly RobotType[],
): readonly LineageStep[] | string {
  if (from.id !== to.id) return `${robotTypeName(from)} and ${robotTypeName(to)} are versions of two robot types`;
  const known = new Map<number, RobotType>();
  for (const type of [from, to, ...chain]) {
    if (type.id !== from.id) continue;
    const there = known.get(type.version);
    if (there !== undefined && !isSameDocument(there, type)) return `there are two documents of ${robotTypeName(type)}`;
    if (there === undefined) known.set(type.version, type);
  }
  const up = ancestors(from, known);
  const down = ancestors(to, known);
  const meeting = up.line.findIndex(({ version }) => down.line.some((type) => type.version === version));
  const met = up.line[meeting];
  if (met === undefined) {
    const missing = up.missing ?? down.missing;
    return missing === undefined
      ? `${robotTypeName(from)} and ${robotTypeName(to)} do not follow each other or a version that both follow`
      : `${from.id}@${missing} is not known, and is followed`;
  }
  const below = down.line.slice(0, down.line.findIndex(({ version }) => version === met.version) + 1);
  return [
    ...pairs(up.line.slice(0, meeting + 1)).map(([newer, older]): LineageStep => ({ way: 'up', newer, older })),
    ...pairs(below)
      .toReversed()
      .map(([newer, older]): LineageStep => ({ way: 'down', newer, older })),
  ];
}

const isSameDocument = (left: RobotType, right: RobotType): boolean =>
  left === right || canonicalJson(documentOf(left)) === canonicalJson(documentOf(right));

interface Ancestors {
  /** The version itself first. */
  readonly line: readonly RobotType[];
  /** The first that is followed and not known. */
  readonly missing: number | undefined;
}

function ancestors(type: RobotType, known: ReadonlyMap<number, RobotType>): Ancestors {
  const line = [type];
  for (let last = type; ;) {
    const version = last.follows?.version;
    if (version === undefined || version >= last.version) return { line, missing: undefined };
    const older = known.get(version);
    if (older === undefined) return { line, missing: version };
    line.push(older);
    last = older;
  }
}

const pairs = (line: readonly RobotType[]): (readonly [RobotType, RobotType])[] =>
  line.slice(1).map((older, index) => [line[index] ?? older, older]);
