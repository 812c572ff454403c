import { open } from 'node:fs/promises';
import { zstdCompressSync } from 'node:zlib';

import { McapWriter } from '@mcap/core';

import type { RobotType } from '../../datasets/robot-type.ts';
import type { SqlChunk } from '../ports/sql.ts';
import { exportParts } from './export-parts.ts';
import { framesTopic, frameSchema, mcapImportMap } from './mcap-layout.ts';
import { framesOfPart, type ExportInput, type ExportPorts, type ExportSummary, type Part } from './picked-episodes.ts';

declare module 'node:zlib' {
  /** Node 22.15 and later; the types of this project are older. */
  function zstdCompressSync(bytes: Uint8Array): Buffer;
}

const chunkBytes = 1024 * 1024;

/**
 * Writes the episodes of a filter as MCAP files, a JSON message a frame in the order of time, with the robot type and an import map beside them: `flywheel import
 * mcap` reads them back. Streamed: memory is that of the SQL session and one chunk. Idempotent: the same version and filter give the same files.
 */
export const exportMcap = (ports: ExportPorts, input: ExportInput): Promise<ExportSummary> =>
  exportParts(ports, input, {
    format: 'mcap',
    importMap: mcapImportMap(input.robotType),
    write: (part, file) => writePart(ports, input, part, file),
  });

const encoder = new TextEncoder();

async function writePart(ports: ExportPorts, input: ExportInput, part: Part, file: string): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    let position = 0;
    const writer = new McapWriter({
      writable: {
        write: async (bytes) => {
          await handle.writeFile(bytes);
          position += bytes.length;
        },
        position: () => BigInt(position),
      },
      chunkSize: chunkBytes,
      compressChunk: (data) => ({ compression: 'zstd', compressedData: zstdCompressSync(data) }),
    });
    await writer.start({ profile: '', library: 'flywheel' });
    const data = encoder.encode(JSON.stringify(frameSchema(input.robotType)));
    const schemaId = await writer.registerSchema({ name: 'flywheel.Frame', encoding: 'jsonschema', data });
    const channel = { topic: framesTopic, messageEncoding: 'json', schemaId, metadata: new Map<string, string>() };
    const channelId = await writer.registerChannel(channel);
    let sequence = 0;
    const sql = `SELECT ${columnsOf(input.robotType)} FROM ${await framesOfPart(ports, input, part)}
      ORDER BY f.timestamp, e.number, f.frame_index`;
    for await (const chunk of ports.session.chunks(sql))
      for (const { atUs, frame } of framesOf(chunk, input.robotType)) {
        const logTime = BigInt(atUs) * 1000n;
        const message = {
          channelId,
          sequence,
          logTime,
          publishTime: logTime,
          data: encoder.encode(JSON.stringify(frame)),
        };
        await writer.addMessage(message);
        sequence += 1;
      }
    await writer.end();
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const texts = [
  'episode_id',
  'robot_id',
  'site',
  'task',
  'policy_version',
  'outcome',
  'failure_reason',
  'split',
] as const;

function columnsOf({ observations, actions }: RobotType): string {
  const width = actions.kind === 'continuous' ? actions.ranges.length : actions.kind === 'discrete' ? 1 : 0;
  return [
    'epoch_us(f.timestamp)::DOUBLE',
    'f.frame_index::INTEGER',
    'e.intervened::INTEGER',
    'coalesce(f.is_correction, false)::INTEGER',
    // An empty text stands for none.
    ...texts.map((name) => `coalesce(e.${name}::VARCHAR, '')`),
    `coalesce(f.expert_action::VARCHAR, '')`,
    `f.observation::FLOAT[${observations.length}]`,
    ...(width === 0 ? [] : [`f."action"::FLOAT[${width}]`]),
  ].join(', ');
}

function* framesOf(chunk: SqlChunk, type: RobotType): Generator<{ readonly atUs: number; readonly frame: object }> {
  const [times, indices, intervened, corrections] = [0, 1, 2, 3].map((column) => chunk.numbers(column));
  const said = texts.map((_, index) => chunk.strings(4 + index));
  const experts = chunk.strings(4 + texts.length);
  const observations = chunk.numbers(5 + texts.length);
  const actions = type.actions.kind === 'none' ? undefined : chunk.numbers(6 + texts.length);
  const width = type.observations.length;
  for (let row = 0; row < chunk.rowCount; row += 1) {
    const expert = experts[row] ?? '';
    yield {
      atUs: times?.[row] ?? 0,
      frame: {
        ...Object.fromEntries(texts.map((name, index) => [name, said[index]?.[row] || null])),
        frame_index: indices?.[row],
        intervened: intervened?.[row] === 1,
        is_correction: corrections?.[row] === 1,
        observation: [...observations.subarray(row * width, (row + 1) * width)],
        action: actions === undefined ? null : actionOf(type, actions, row),
        // `[0.5, 1]`, as SQL writes a list.
        expert_action: expert === '' ? null : actionOf(type, expert.slice(1, -1).split(',').map(Number), 0),
      },
    };
  }
}

/** The name of a discrete action, the numbers of a continuous one. */
function actionOf(
  { actions }: RobotType,
  values: ArrayLike<number>,
  row: number,
): string | readonly number[] | undefined {
  if (actions.kind === 'discrete') return actions.names[values[row] ?? -1];
  const width = actions.kind === 'continuous' ? actions.ranges.length : 0;
  return Array.from({ length: width }, (_, index) => values[row * width + index] ?? 0);
}
