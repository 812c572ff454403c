import { accessSync, constants, readdirSync } from 'node:fs';
import path from 'node:path';

import { readPolicyDocuments } from '../../activities/registry/policy-document.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Settings } from '../../workers/config.ts';
import { requireStore } from '../context.ts';
import type { FoundSettings } from '../find-settings.ts';
import { ok, problem, someOf, warning, type Check, type Found } from './finding.ts';

/** Answers, is writable where it is a folder, and says which policies there are. Nothing is written. */
export function storeCheck(found: FoundSettings, store: () => Promise<ObjectStore>): Check {
  const { settings } = found;
  return {
    name: 'store',
    expected: 'a store that answers',
    mend:
      settings.store.kind === 'file'
        ? 'start ./temporal-dev.sh, mount the folder, or set FLYWHEEL_STORE (`flywheel context` shows where it comes from)'
        : 'check FLYWHEEL_STORE, FLYWHEEL_S3_ENDPOINT and the S3 credentials of this shell',
    async look() {
      requireStore(found);
      const opened = await store();
      await opened.get('config/doctor');
      const damaged: string[] = [];
      const policies = await readPolicyDocuments(opened, ({ key }) => damaged.push(key));
      const names = policies.map(({ policy }) => policy);
      const answers = `${nameOf(settings)} answers; ${names.length === 0 ? 'no policy yet' : `policies: ${someOf(names)}`}`;
      return [ok(answers), ...damaged.map(damagedText), ...unwritable(settings)];
    },
  };
}

const nameOf = ({ store }: Settings): string => (store.kind === 'file' ? store.directory : `s3://${store.bucket}`);

const damagedText = (key: string): Found =>
  problem(`${key} is damaged and was skipped`, 'a document that can be read', `restore ${key} from a backup`);

function unwritable({ store }: Settings): readonly Found[] {
  if (store.kind !== 'file') return [];
  const { directory } = store;
  const folders = [
    directory,
    ...readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => path.join(directory, name)),
  ];
  const refused = folders.filter((folder) => !isWritable(folder));
  if (refused.length === 0) return [];
  return [
    problem(
      `${someOf(refused)}: not writable by this user`,
      'a store that workers, gateways and commands can write',
      `run Flywheel as the owner of ${directory}, or mount it for writing`,
    ),
  ];
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** So far may clocks of this installation disagree before something goes wrong: facts and telemetry allow for it. */
const clocksAgreeWithinMs = 5 * 60_000;
const noteworthyMs = 30_000;
/** Small prefixes that this installation's own machines write. */
const ownPrefixes = ['agents/', 'audit/', 'config/', 'registry/', 'robots/', 'trust/', 'windows/'];
const mostObjects = 20_000;

/** How far one clock is ahead of or behind another one, as a finding. */
export function clockFound(what: string, aheadMs: number, mend: string): Found {
  const seconds = Math.round(aheadMs / 1_000);
  const found = `${what} ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} this machine`;
  const size = Math.abs(aheadMs);
  if (size <= noteworthyMs) return ok(`${what} as this machine's, to ${noteworthyMs / 1_000} s`);
  return size > clocksAgreeWithinMs
    ? problem(found, `clocks within ${clocksAgreeWithinMs / 60_000} minutes`, mend)
    : warning(found, `clocks within ${noteworthyMs / 1_000} s`, mend);
}

/** Objects that seem to have been written later than now: the clock of this machine or of the one that wrote is wrong. */
export const storeClockCheck = (store: () => Promise<ObjectStore>, nowMs: number): Check => ({
  name: 'clock of the store',
  expected: 'a store that lists its objects',
  mend: 'see the check of the store',
  async look() {
    const opened = await store();
    let [seen, latest]: [number, { key: string; modifiedMs: number } | undefined] = [0, undefined];
    for (const prefix of ownPrefixes)
      for await (const { key, modifiedMs } of opened.list(prefix)) {
        if (modifiedMs > (latest?.modifiedMs ?? 0)) latest = { key, modifiedMs };
        if (++seen >= mostObjects) break;
      }
    if (latest === undefined) return [ok('no object yet')];
    if (latest.modifiedMs <= nowMs + noteworthyMs) return [ok(`none of ${seen} objects is from the future`)];
    const mend = 'set the clocks by NTP on this machine and on those that write the store: `timedatectl status`';
    return [clockFound(`${latest.key} was written with a clock`, latest.modifiedMs - nowMs, mend)];
  },
});
