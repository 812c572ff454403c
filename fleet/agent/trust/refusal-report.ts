import type { InstallReport } from '../../protocol/index.ts';
import { isSeq, type Installation } from '../versions/installation.ts';
import type { Refused } from './refused-order.ts';

/** How a refused order is told to the fleet: with what the robot stays on. */
export function orderRefusalReport(
  { reason, detail, seq, version }: Omit<Refused, 'kind'>,
  { current, trialId }: Pick<Installation, 'current' | 'trialId'>,
): Pick<InstallReport, 'outcome' | 'reason' | 'version' | 'attempted' | 'assignmentSeq' | 'trialId' | 'detail'> {
  const runs = current?.version ?? null;
  return {
    outcome: 'refused',
    reason,
    version: runs,
    attempted: version === runs ? null : version,
    assignmentSeq: isSeq(seq) ? seq : null,
    trialId,
    detail: detail.slice(0, 500),
  };
}
