import { ros2humble } from '@foxglove/rosmsg-msgs-common';

type MessageDefinition = (typeof ros2humble)['sensor_msgs/JointState'];
const definitions: Readonly<Record<string, MessageDefinition | undefined>> = ros2humble;
const encoder = new TextEncoder();

/**
 * The definition of a message of ROS 2 itself (`sensor_msgs/msg/JointState`, …) as text in the format `ros2msg`, with those that it refers to; undefined for others. For
 * bags from before ROS 2 Iron, which do not hold definitions: these types have not changed since.
 */
export function commonDefinition(
  type: string,
): { readonly encoding: 'ros2msg'; readonly data: Uint8Array } | undefined {
  const name = type.replace('/msg/', '/');
  const sections: string[] = [];
  const done = new Set<string>();
  const waiting = [name];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (done.has(next)) continue;
    done.add(next);
    const found = Object.hasOwn(definitions, next) ? definitions[next] : undefined;
    if (found === undefined) return undefined;
    const own = found.definitions.filter(({ isConstant }) => isConstant !== true);
    waiting.push(...own.filter(({ isComplex }) => isComplex === true).map((field) => field.type));
    sections.push((sections.length === 0 ? '' : `MSG: ${next}\n`) + own.map(lineOf).join('\n'));
  }
  return { encoding: 'ros2msg', data: encoder.encode(sections.join(`\n${'='.repeat(80)}\n`)) };
}

const times: Readonly<Record<string, string | undefined>> = {
  time: 'builtin_interfaces/Time',
  duration: 'builtin_interfaces/Duration',
};

function lineOf({ name, type, isArray, arrayLength }: MessageDefinition['definitions'][number]): string {
  const list = isArray === true ? `[${arrayLength ?? ''}]` : '';
  return `${Object.hasOwn(times, type) ? times[type] : type}${list} ${name}`;
}
