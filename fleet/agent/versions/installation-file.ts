import { replaceJson, readJson } from '../local/durable-files.ts';
import { emptyInstallation, installationSchema, type Installation } from './installation.ts';
import type { AtPoint } from '../local/kill-points.ts';
import { createQueue } from '../local/waiting.ts';

/** What the robot runs, in memory and on disk. */
export interface InstallationFile {
  readonly state: () => Installation;
  /** Changes what is known at once; on disk when it resolves. Later changes are never undone by earlier writes. */
  change(change: (state: Installation) => Installation): Promise<void>;
  /** Changes what is known in memory; the next `change` writes it. */
  remember(change: (state: Installation) => Installation): void;
}

export async function openInstallationFile(
  file: string,
  at: AtPoint,
  unreadable: (problem: string) => void,
): Promise<InstallationFile> {
  let state = (await readJson(file, installationSchema, unreadable)) ?? emptyInstallation;
  const oneAfterTheOther = createQueue();
  return {
    state: () => state,
    remember(change) {
      state = change(state);
    },
    change(change) {
      state = change(state);
      return oneAfterTheOther(async () => {
        await replaceJson(file, state);
        at('state.written');
      });
    },
  };
}
