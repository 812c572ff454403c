import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

import * as fc from 'fast-check';

import type { CollectionStatus, CycleOutcome, TrainingStatus } from '../../workflows/cycle/messages.ts';
import { describeCollection, describeCycle, describeTraining } from '../../workflows/cycle/status-page.ts';
import type { RollbackResult, TrialResult, TrialStatus } from '../../workflows/trial/messages.ts';
import { describeRollback, describeTrial } from '../../workflows/trial/status-page.ts';

const folder = new URL('../fixtures/histories/', import.meta.url);

interface Event {
  readonly workflowExecutionStartedEventAttributes?: { readonly searchAttributes?: Attributes };
  readonly upsertWorkflowSearchAttributesEventAttributes?: { readonly searchAttributes?: Attributes };
  readonly workflowExecutionCompletedEventAttributes?: { readonly result?: { readonly payloads?: readonly Payload[] } };
  readonly workflowExecutionContinuedAsNewEventAttributes?: unknown;
}
interface Payload {
  readonly data?: string | null;
}
type Attributes = { readonly indexedFields?: { readonly FlywheelOutcome?: Payload } };

const valueOf = ({ data }: Payload): unknown =>
  data ? (JSON.parse(Buffer.from(data, 'base64').toString('utf8')) as unknown) : null;

/** The outcome that the list of workflows shows after each event that changes it; null: none. */
function outcomesIn(events: readonly Event[]): readonly unknown[] {
  return events.flatMap((event) => {
    const attributes =
      event.workflowExecutionStartedEventAttributes ?? event.upsertWorkflowSearchAttributesEventAttributes;
    const told = attributes?.searchAttributes?.indexedFields?.FlywheelOutcome;
    return told === undefined ? [] : [valueOf(told)];
  });
}

const recorded = readdirSync(folder).map((file) => {
  const { history } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as { history: { events: Event[] } };
  return { name: file.replace('.json', ''), events: history.events };
});
/** Recorded before collections and trainings told how they ended. */
const olderNames = /^(collect-experience-continued|train-policy-searched)/;

describe('how a run ended, where every end is a green "Completed"', () => {
  it('stands in the list of workflows, for every recorded run that has an outcome', () => {
    const told = new Set<string>();
    for (const { name, events } of recorded) {
      const [payload] = events.at(-1)?.workflowExecutionCompletedEventAttributes?.result?.payloads ?? [];
      const result = payload === undefined ? undefined : valueOf(payload);
      if (typeof result !== 'object' || result === null || olderNames.test(name)) continue;
      const { outcome, decision, verdict } = result as Record<string, unknown>;
      const expected = outcome ?? decision ?? verdict;
      if (typeof expected !== 'string') continue;
      assert.equal(outcomesIn(events).at(-1), expected, name);
      told.add(expected);
    }
    for (const outcome of ['gatesHold', 'badData', 'nothingNew', 'aborted', 'rolledBack', 'rejected', 'registered'])
      assert.ok(told.has(outcome), outcome);
  });

  it('is not taken for the end of the trial that comes next', () => {
    const next = recorded.find(({ name }) => name === 'trial-policy-next-offer-1');
    const outcomes = outcomesIn(next?.events ?? []);
    assert.equal(typeof outcomes[0], 'string');
    assert.equal(outcomes[1], null);
  });

  it('stands first in the details, with its reason', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<CycleOutcome>(...cycleOutcomes),
        fc.constantFrom<TrialResult['outcome']>(...trialOutcomes),
        fc.constantFrom<RollbackResult['outcome']>('rolledBack', 'nothingToDo', 'rejected'),
        (ofCycle, ofTrial, ofRollback) => {
          const reason = 'because of this';
          const cycle = {
            cycleId: 'c',
            policy: 'wall',
            stage: 'ended',
            cause: 'a test',
            outcome: ofCycle,
            reason,
          } as const;
          const result = { outcome: ofTrial, reason, candidateVersion: '1.1.0', abTest: null, faultyRobots: [] };
          const trial: TrialStatus = { ...emptyTrial, stage: 'ended', result };
          const back = { outcome: ofRollback, reason, version: null, endedTrialId: null, ...nobody };
          for (const [text, outcome] of [
            [describeCycle(cycle), ofCycle],
            [describeTrial(trial), ofTrial],
            [describeRollback(reason, back), ofRollback],
          ] as const) {
            assert.ok(text.startsWith(`**${outcome}**`), text);
            assert.equal(text.split('\n')[1], `> ${reason}`);
          }
        },
      ),
    );
    const collection: CollectionStatus = { ...counts, stage: 'ended', verdict: 'badData', reason: '9 of 10 refused' };
    assert.match(describeCollection(collection), /^\*\*badData\*\* .*\n> 9 of 10 refused\n/);
    assert.match(describeCollection({ ...counts, stage: 'ingesting' }), /^\*\*ingesting\*\* /);
    const held: TrainingStatus = { stage: 'ended', gates: 'hold', failedGates: ['agreement', 'latency'] };
    assert.match(describeTraining(held), /^\*\*gatesHold\*\*\n> held by agreement, latency; nothing is registered\n/);
    assert.match(describeTraining({ stage: 'ended', gates: 'pass', candidateVersion: '1.1.0' }), /^\*\*registered\*\*/);
  });
});

const cycleOutcomes = [
  'promoted',
  'offered',
  'notOffered',
  'gatesHold',
  'badData',
  'nothingNew',
  'aborted',
  'failed',
] as const;
const trialOutcomes = [
  'promoted',
  'rolledBack',
  'endedWithoutPromotion',
  'aborted',
  'notStarted',
  'rejected',
  'blocked',
  'failed',
] as const;
const nobody = { confirmed: [], offline: [], failed: [] };
const emptyTrial: TrialStatus = {
  policy: 'wall',
  stage: 'starting',
  candidateVersion: '1.1.0',
  waitingVersion: null,
  step: null,
  abTest: null,
  result: null,
};
const counts: CollectionStatus = {
  stage: 'planning',
  batches: 1,
  batchesDone: 1,
  episodesStored: 1,
  framesStored: 10,
  alreadyStored: 0,
  quarantinedEpisodes: 9,
  quarantinedSegments: 0,
};
