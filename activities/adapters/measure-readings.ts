import { mirrorRows, type MirrorPlan } from '../../policies/mirror.ts';
import { columnMoments, type Normalisation } from '../../policies/normalisation.ts';
import type { PolicySizes } from '../../policies/policy-io.ts';
import type { RowSource } from '../../policies/rows.ts';
import { failure } from '../../store/failures.ts';
import type { Progress } from '../ports/progress.ts';
import { openArrowRows } from './arrow-row-source.ts';

interface Measured {
  readonly sizes: PolicySizes;
  /** Where rows are mirrored. */
  readonly mirror: MirrorPlan | undefined;
}

/**
 * Mean and deviation of readings and of continuous labels. Readings are measured without the images beside them, which nobody
 * needs to decode for it.
 */
export async function measureReadings(
  trainPath: string,
  { sizes, mirror }: Measured,
  progress: Progress,
): ReturnType<typeof measureColumns> {
  const readingsOnly = mirror && { ...mirror, pictures: [] };
  const readings = await openArrowRows(trainPath, sizes);
  try {
    return await measureColumns(readings, sizes, readingsOnly, progress);
  } finally {
    await readings.close();
  }
}

async function measureColumns(
  train: RowSource,
  sizes: PolicySizes,
  mirror: MirrorPlan | undefined,
  progress: Progress,
): Promise<{ observation: Normalisation; label: Normalisation | undefined }> {
  const observations = columnMoments(sizes.observationSize);
  const labels = sizes.head === 'continuous' ? columnMoments(sizes.actionSize) : undefined;
  for (let number = 0; number < train.blockRows.length; number += 1) {
    const read = await train.read(number);
    // A number that only the mirror moves varies in training, too.
    for (const block of mirror === undefined ? [read] : [read, mirrorRows(read, mirror, () => true)]) {
      observations.take(block.observation);
      labels?.take(block.label as Float32Array);
    }
    progress({ stage: 'measuring columns', rows: observations.rows });
  }
  try {
    return { observation: observations.finish(), label: labels?.finish() };
  } catch (cause) {
    throw failure('TrainingImpossible', (cause as Error).message, { cause });
  }
}
