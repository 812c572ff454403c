import type { InstallReport } from '../../protocol/index.ts';
import type { Stamp } from '../local/dating.ts';
import type { InstallReports } from './install-reports.ts';

export interface InstallReporterPorts {
  readonly reports: InstallReports;
  readonly newId: () => string;
  readonly bootId: string;
  readonly moment: () => Pick<InstallReport, 'atMs' | 'clockSkewMs'>;
  readonly stamp: () => Stamp;
  /** Whose version the robot speaks of; undefined before the first order. */
  readonly policy: () => string | undefined;
  readonly onAdded: () => void;
}

/** Adds what every report has to what one is about; on the disk when it resolves. */
export const installReporter =
  ({ reports, newId, bootId, moment, stamp, policy, onAdded }: InstallReporterPorts) =>
  async (facts: Omit<InstallReport, 'reportId' | 'bootId' | 'atMs' | 'clockSkewMs' | 'stamp'>): Promise<void> => {
    const { atMs, clockSkewMs } = moment();
    const whose = policy();
    const about = { stamp: stamp(), ...(whose === undefined ? {} : { policy: whose }) };
    await reports.add({ reportId: newId(), bootId, atMs, clockSkewMs, ...about, ...facts });
    onAdded();
  };
