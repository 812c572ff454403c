import { continueAsNew, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';

import type { DatasetVersion } from '../datasets/dataset-version.ts';
import { dataActivities, fleetActivities } from './shared/activity-proxies.ts';
import { refuseOtherId } from './shared/fixed-id.ts';
import { collectionStatusQuery, type CollectionOutcome, type CollectionStatus } from './cycle/messages.ts';
import { outcomeTeller } from './shared/outcome.ts';
import { parsedInput } from './shared/parse-input.ts';
import { describeCollection } from './cycle/status-page.ts';
import { operationId } from './shared/run-ids.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';

/** What a run hands to the next one when its history has grown long. */
interface Carried {
  readonly manifestKey: string;
  readonly startedFrom: DatasetVersion;
  readonly status: CollectionStatus;
}

/**
 * Takes what robots uploaded from landing into the lake: validated, exactly once, the refused into quarantine with
 * reasons. One batch at a time, so memory does not grow with the week.
 */
export async function collectExperience(input?: unknown, carried?: Carried): Promise<CollectionOutcome> {
  const told = outcomeTeller();
  let status: CollectionStatus = carried?.status ?? notStarted;
  setHandler(collectionStatusQuery, () => status);
  const show = (change: Partial<CollectionStatus>): void => {
    status = { ...status, ...change };
    setCurrentDetails(describeCollection(status));
  };
  const data = dataActivities();
  const { policy, batchSizeBytes } = await parsedInput('collectExperience', input);
  told.began(policy);
  const { robotType } = await fleetActivities().readPolicy({ policy });
  // The fixed id is what keeps two collections from reading the same segments.
  refuseOtherId(workflowIds.collectExperience(robotType.id));
  const cycleId = operationId();

  const plan = carried ?? (await planned());
  while (status.batchesDone < status.batches) {
    const batch = status.batchesDone;
    const counts = await data.ingestBatch.executeWithOptions({ summary: `batch ${batch + 1} of ${status.batches}` }, [
      { cycleId, manifestKey: plan.manifestKey, batch, robotType },
    ]);
    show({
      batchesDone: batch + 1,
      episodesStored: status.episodesStored + counts.episodesStored,
      framesStored: status.framesStored + counts.framesStored,
      alreadyStored: status.alreadyStored + counts.alreadyStored,
      quarantinedEpisodes: status.quarantinedEpisodes + counts.quarantinedEpisodes,
      quarantinedSegments: status.quarantinedSegments + counts.quarantinedSegments,
    });
    if (workflowInfo().continueAsNewSuggested)
      return continueAsNew<typeof collectExperience>(input, { ...plan, status });
  }
  show({ stage: 'concluding' });
  const outcome = await data.concludeCollection({
    cycleId,
    manifestKey: plan.manifestKey,
    robotType,
    startedFrom: plan.startedFrom,
  });
  show({ stage: 'ended', verdict: outcome.verdict, reason: outcome.reason });
  told.ended(outcome.verdict);
  return { ...outcome, startedFrom: plan.startedFrom };

  async function planned(): Promise<Omit<Carried, 'status'>> {
    const startedFrom = await data.readDatasetVersion({ cycleId });
    const { manifestKey, batches } = await data.planCollection({
      cycleId,
      robotType,
      ...(batchSizeBytes === undefined ? {} : { batchSizeBytes }),
    });
    show({ stage: 'ingesting', batches });
    return { manifestKey, startedFrom };
  }
}

const notStarted: CollectionStatus = {
  stage: 'planning',
  batches: 0,
  batchesDone: 0,
  episodesStored: 0,
  framesStored: 0,
  alreadyStored: 0,
  quarantinedEpisodes: 0,
  quarantinedSegments: 0,
};
