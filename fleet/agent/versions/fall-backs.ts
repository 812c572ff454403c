import type { InstallReport } from '../../protocol/index.ts';
import type { InstallationFile } from './installation-file.ts';
import {
  fallBackLimit,
  fallBacksOf,
  fallBackSlot,
  isSeq,
  switched,
  withTrouble,
  type Installation,
  type NewTrouble,
  type Slot,
} from './installation.ts';
import type { AtPoint } from '../local/kill-points.ts';
import type { InstallReason } from './model-refusal.ts';
import type { MachineMoment } from '../local/times.ts';

export interface FallBackPorts {
  readonly file: InstallationFile;
  readonly now: () => MachineMoment;
  readonly report: (
    facts: Pick<InstallReport, 'outcome' | 'reason' | 'version' | 'attempted' | 'assignmentSeq' | 'trialId' | 'detail'>,
  ) => Promise<void>;
  readonly safetyEvent: (event: string, version: string, trialId: string | null) => Promise<void>;
  readonly at: AtPoint;
}

/** What the robot does, and says, about a version it cannot go on with. */
export interface FallBacks {
  readonly report: (
    outcome: InstallReport['outcome'],
    reason: InstallReason,
    attempted: { readonly version: string; readonly trialId: string | null } | undefined,
    detail: string,
  ) => Promise<void>;
  /** Notes trouble with a version; falling back twice from a candidate is a safety event. */
  readonly blame: (slot: Slot, trialId: string | null, reason: InstallReason, isFallBack: boolean) => Promise<void>;
  /** Leaves the current version for what ran before; false when there is nothing to go back to. */
  readonly fallBack: (reason: InstallReason, detail: string, isItsFault: boolean) => Promise<boolean>;
}

export function createFallBacks(ports: FallBackPorts): FallBacks {
  const { file, now, at } = ports;

  const report = (
    outcome: InstallReport['outcome'],
    reason: InstallReason,
    attempted: { readonly version: string; readonly trialId: string | null } | undefined,
    detail: string,
  ): Promise<void> => {
    const { current, trialId, orderSeq, order } = file.state();
    const seq = outcome === 'refused' ? (order?.seq ?? null) : orderSeq;
    return ports.report({
      outcome,
      reason,
      version: current?.version ?? null,
      attempted: attempted === undefined || attempted.version === current?.version ? null : attempted.version,
      assignmentSeq: isSeq(seq) ? seq : null,
      trialId: attempted?.trialId ?? trialId,
      detail: detail.slice(0, 500),
    });
  };

  async function blame(slot: Slot, trialId: string | null, reason: InstallReason, isFallBack: boolean): Promise<void> {
    await noteTrouble({ version: slot.version, trialId, reason, isFallBack });
  }

  /** Notes trouble, and in the same step what else it changes; falling back twice from a candidate is a safety event. */
  async function noteTrouble(trouble: NewTrouble, alsoChanged = (state: Installation) => state): Promise<void> {
    const { version, trialId } = trouble;
    const before = fallBacksOf(file.state(), version, trialId);
    const written = file.change((state) => alsoChanged(withTrouble(state, trouble, now())));
    const after = fallBacksOf(file.state(), version, trialId);
    await written;
    if (trialId !== null && before < fallBackLimit && after >= fallBackLimit)
      await ports.safetyEvent('repeatedFallBack', version, trialId);
  }

  /** One step in memory, whatever the disk does: what is left is never current once it is known to be bad. */
  async function fallBack(reason: InstallReason, detail: string, isItsFault: boolean): Promise<boolean> {
    const { current, trialId } = file.state();
    if (current === null) return false;
    const slot = fallBackSlot(file.state(), now());
    const left = (state: Installation): Installation =>
      slot === undefined
        ? state
        : switched(state, { slot, trialId: null, isLeased: false, orderSeq: state.orderSeq, isPlainOrder: false });
    if (isItsFault) await noteTrouble({ version: current.version, trialId, reason, isFallBack: true }, left);
    else if (slot !== undefined) await file.change(left);
    if (slot === undefined) return false;
    at('state.switched');
    await report('fellBack', reason, { version: current.version, trialId }, detail);
    return true;
  }

  return { report, blame, fallBack };
}
