import type { CollectionStatus, CycleStatus, SearchStatus, TrainingStatus, TrainPolicyResult } from './messages.ts';

/** The live story of a workflow as Markdown, for the details panel of the Temporal UI. Pure: status in, text out. */
export function describeCycle(status: CycleStatus): string {
  const { collection, training } = status;
  const lines = [
    `**${status.outcome ?? status.stage}** · ${status.policy || 'policy'}`,
    status.reason === undefined ? undefined : `> ${status.reason}`,
    '',
    step('Collect', status.stage === 'collecting', collection && describeCounts(collection)),
    step(
      'Train and judge',
      status.stage === 'training',
      training &&
        `${number(training.trainRows)} frames, held-out agreement ${percent(training.accuracyFraction)}, ${
          training.failedGates.length === 0 ? 'all gates passed' : `held by ${training.failedGates.join(', ')}`
        }`,
    ),
    step('Candidate', status.stage === 'offering', training?.candidateVersion),
    step('Trial on the fleet', status.stage === 'offering', status.outcome === 'offered' ? status.reason : undefined),
    '',
    `Champion at the start: ${status.championVersion ?? 'none'} · cause: ${status.cause || 'unknown'}`,
    status.reportKey === undefined ? undefined : `Report: \`${status.reportKey}\``,
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

export function describeCollection(status: CollectionStatus): string {
  const lines = [
    `**${status.verdict ?? status.stage}** · batch ${status.batchesDone} of ${status.batches}`,
    status.reason === undefined ? undefined : `> ${status.reason}`,
    '',
    describeCounts(status),
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

export function describeTraining(status: TrainingStatus): string {
  const facts = [
    status.trainRows === undefined ? undefined : `${number(status.trainRows)} frames`,
    status.stage !== 'training' || status.search === undefined ? undefined : describeSearch(status.search),
    status.validationLoss === undefined ? undefined : `validation loss ${status.validationLoss.toFixed(4)}`,
    status.candidateVersion === undefined ? undefined : `candidate ${status.candidateVersion}`,
  ];
  const lines = [
    `**${trainingEnd(status) ?? status.stage}**`,
    status.gates === 'hold'
      ? `> held by ${(status.failedGates ?? []).join(', ') || 'a gate'}; nothing is registered`
      : undefined,
    '',
    facts.filter((fact) => fact !== undefined).join(' · '),
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

const describeSearch = ({ rung, rungs, trials }: SearchStatus): string =>
  rung > rungs ? 'search: the best trial to its end' : `search: ${trials} trials to rung ${rung} of ${rungs}`;

/** Undefined while it runs. */
function trainingEnd({ stage, gates }: TrainingStatus): TrainPolicyResult['outcome'] | undefined {
  if (stage !== 'ended') return undefined;
  return gates === 'hold' ? 'gatesHold' : 'registered';
}

type Counts = Pick<
  CollectionStatus,
  'episodesStored' | 'framesStored' | 'alreadyStored' | 'quarantinedEpisodes' | 'quarantinedSegments'
>;

const describeCounts = (counts: Counts): string =>
  [
    `${number(counts.episodesStored)} episodes (${number(counts.framesStored)} frames) stored`,
    `${number(counts.alreadyStored)} already stored`,
    `${number(counts.quarantinedEpisodes)} episodes and ${number(counts.quarantinedSegments)} segments quarantined`,
  ].join(', ');

const step = (name: string, running: boolean, result: string | undefined): string =>
  `${name}: ${result ?? (running ? 'running …' : '–')}`;

/** 12345678 → `12,345,678`, in every locale. */
const number = (value: number): string => String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
const percent = (fraction: number | null): string =>
  fraction === null ? 'unknown' : `${(fraction * 100).toFixed(1)} %`;
