import { fileAt, numberAt, readTable } from '../../../datasets/importers/read-table.ts';
import { sensorCount } from '../rooms/body.ts';
import type { Recording } from './recording-robot.ts';

const fileName = 'sensor_readings_24.data';

/** Reads the readings of the wall-following recording (UCI 194); `path` is its file or the folder that holds it. */
export async function readRecording(path: string): Promise<Recording> {
  const file = await fileAt(path, fileName);
  const recording: Float32Array[] = [];
  for await (const line of readTable(file, ','))
    if (line.cells[0]?.trim() !== 'S1')
      recording.push(
        Float32Array.from({ length: sensorCount }, (_, sensor) =>
          numberAt(file, line, `S${sensor + 1}`, line.cells[sensor]),
        ),
      );
  return recording;
}
