import type { InstallReport } from '../../protocol/index.ts';
import type { Stamp } from '../local/dating.ts';
import type { InstallReports } from './install-reports.ts';

export interface InstallReporterPorts {
  readonly reports: InstallReports;
  readonly newId: () => string;
  readonly bootId: string;
  readonly moment: () => Pick<InstallReport, 'atMs' | 'clockSkewMs'>;
  readonly stamp: () => Stamp;
  readonly onAdded: () => void;
}

/** Adds what every report has to what one is about; on the disk when it resolves. */
export const installReporter =
  ({ reports, newId, bootId, moment, stamp, onAdded }: InstallReporterPorts) =>
  async (facts: Omit<InstallReport, 'reportId' | 'bootId' | 'atMs' | 'clockSkewMs' | 'stamp'>): Promise<void> => {
    const { atMs, clockSkewMs } = moment();
    await reports.add({ reportId: newId(), bootId, atMs, clockSkewMs, stamp: stamp(), ...facts });
    onAdded();
  };
