import { parse } from '@foxglove/rosmsg';

import { McapProblem } from './byte-cursor.ts';

/** A field of a ROS 2 message, as it stands in the bytes. */
export interface RosField {
  readonly name: string;
  readonly kind: RosKind;
  /** Elements of an array of fixed length; `varies` for a sequence; undefined for neither. */
  readonly list: number | 'varies' | undefined;
}

/** `number`: of so many bytes; others have a length before them, or are structures. */
export type RosKind =
  | { readonly kind: 'number'; readonly type: NumberType; readonly bytes: number }
  | { readonly kind: 'text' }
  | { readonly kind: 'wide' }
  | { readonly kind: 'structure'; readonly type: string };

const sizes = {
  bool: 1,
  byte: 1,
  char: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float32: 4,
  float64: 8,
} as const;
export type NumberType = keyof typeof sizes;
const isNumberType = (type: string): type is NumberType => Object.hasOwn(sizes, type);

/** Structures by name; the message itself under the empty name. */
export type RosDefinitions = ReadonlyMap<string, readonly RosField[]>;

const mostLines = 20_000;
const mostLineCharacters = 2_000;
const mostTypes = 500;

/** Times, which the library takes for numbers of their own. */
const timeFields: readonly RosField[] = [
  { name: 'sec', kind: { kind: 'number', type: 'int32', bytes: 4 }, list: undefined },
  { name: 'nanosec', kind: { kind: 'number', type: 'uint32', bytes: 4 }, list: undefined },
];
const timeType = ' time';

/** Reads a definition in the format `ros2msg` (https://mcap.dev/spec/registry#ros2msg). `McapProblem` for what is none, or too long. */
export function rosDefinitions(text: string): RosDefinitions {
  const lines = text.split('\n', mostLines + 1);
  const types = lines.filter((line) => line.startsWith('==')).length;
  if (lines.length > mostLines || types > mostTypes || lines.some((line) => line.length > mostLineCharacters))
    throw new McapProblem('a ROS 2 definition that is too long');
  const parts = sections(lines).map(parsed);
  const names = parts.map(({ name = '' }, index) => (index === 0 ? '' : name.replace('/msg/', '/')));
  const found = new Map<string, readonly RosField[]>([[timeType, timeFields]]);
  for (const [index, { definitions }] of parts.entries())
    found.set(
      names[index] ?? '',
      definitions
        .filter(({ isConstant }) => isConstant !== true)
        .map(({ name, type, isComplex, isArray, arrayLength }) => ({
          name,
          kind: kindOf(isComplex === true ? fullName(names, names[index] ?? '', type) : type, isComplex === true),
          list: isArray === true ? (arrayLength ?? 'varies') : undefined,
        })),
    );
  return found;
}

/** Definitions are set apart by lines of equals signs. */
function sections(lines: readonly string[]): readonly string[] {
  const found: string[][] = [[]];
  for (const line of lines)
    if (line.startsWith('==')) found.push([]);
    else found.at(-1)?.push(line);
  return found.map((section) => section.join('\n'));
}

/** One at a time, with names as they stand: the library takes different types with fields alike for one. */
function parsed(section: string): ReturnType<typeof parse>[number] {
  try {
    return parse(section, { ros2: true, skipTypeFixup: true })[0] ?? { definitions: [] };
  } catch (cause) {
    throw new McapProblem('a ROS 2 definition that cannot be read', { cause });
  }
}

/** `Point` in `geometry_msgs/Pose` is `geometry_msgs/Point`; in the message itself it is the one of that name. */
function fullName(names: readonly string[], scope: string, type: string): string {
  const plain = type.replace('/msg/', '/');
  if (plain.includes('/')) return plain;
  const beside = `${scope.split('/')[0] ?? ''}/${plain}`;
  if (names.includes(beside)) return beside;
  return names.find((name) => name.endsWith(`/${plain}`)) ?? plain;
}

function kindOf(type: string, isComplex: boolean): RosKind {
  if (isComplex) return { kind: 'structure', type };
  if (type === 'time' || type === 'duration') return { kind: 'structure', type: timeType };
  if (type === 'string') return { kind: 'text' };
  if (isNumberType(type)) return { kind: 'number', type, bytes: sizes[type] };
  return { kind: 'wide' };
}
