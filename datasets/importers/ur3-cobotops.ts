import { ur3CobotopsType } from '../built-in-robot-types.ts';
import { csvTableReader } from './csv-table.ts';
import { importMapSchema } from './import-map.ts';
import type { ImportInput, ImportSummary } from './import-summary.ts';
import { importTables } from './import-tables.ts';
import map from './maps/ur3-cobotops.json' with { type: 'json' };
import { fileAt } from './source-files.ts';
import { Tally } from './tally.ts';

const fileName = 'dataset_02052023.csv';

/**
 * UR3 CobotOps (UCI 963): readings of a real UR3 about once a second, with cycle numbers, protective stops and lost grips. A stretch of
 * rows with one cycle number is an episode; one with a stop or a lost grip failed. The file has no commands, so its episodes serve
 * the lake and validation only.
 */
export async function importUr3Cobotops(input: ImportInput): Promise<ImportSummary> {
  const parsed = importMapSchema.parse(map);
  const tally = new Tally();
  return importTables({
    ...input,
    format: 'ur3-cobotops',
    files: [{ path: await fileAt(input.path, fileName), name: fileName }],
    reader: csvTableReader({ separator: ';', decimal: ',', header: 'present' }, tally),
    map: parsed,
    type: ur3CobotopsType,
    tally,
  });
}
