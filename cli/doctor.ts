import type { Command } from 'commander';

import { readPolicyDocuments } from '../activities/registry/policy-document.ts';
import { openFleetReader } from '../fleet/desk/fleet-reader.ts';
import { openStore } from '../workers/compose.ts';
import { unknownSettings } from '../workers/known-settings.ts';
import { withClient } from './context.ts';
import { examine, examineAll, problem, warning, type Check, type Finding } from './doctor/finding.ts';
import { gatewayCheck, presenceCheck, robotClocksCheck } from './doctor/fleet.ts';
import { keysCheck } from './doctor/keys.ts';
import { diskChecks, nodeCheck, settingsCheck } from './doctor/machine.ts';
import { storeCheck, storeClockCheck } from './doctor/store.ts';
import { exitCodes } from './exit-codes.ts';
import { findSettings, type FoundSettings } from './find-settings.ts';
import { printJson, say } from './print.ts';
import { oneLine } from './printable.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** `flywheel doctor`: looks at everything an installation needs and says how to mend what is amiss. Writes nothing. */
export function registerDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('check settings, store, disks, keys, clocks, Temporal, workers and gateways, and say how to fix each')
    .option('--json', 'as JSON', false)
    .action(async ({ json }: { json: boolean }) => {
      const findings = await diagnose(process.env, process.cwd());
      if (json) printJson({ checks: findings, ...countsOf(findings) });
      else print(findings);
      process.exitCode = exitCodeOf(findings);
    });
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Every check, in the order in which they are shown. Rejects never. */
export async function diagnose(environment: Environment, workingDirectory: string): Promise<readonly Finding[]> {
  // Names that nobody reads are told by a check of their own: the rest of the settings counts.
  const known = Object.fromEntries(
    Object.entries(environment).filter(([name, value]) => unknownSettings({ [name]: value }).length === 0),
  );
  let found: FoundSettings;
  try {
    found = findSettings(known, workingDirectory);
  } catch (error) {
    const refused = error instanceof Error ? error.message : String(error);
    return examineAll([settingsCheck(environment, undefined, refused), nodeCheck()]);
  }
  const here = examineAll([settingsCheck(environment, found, undefined), nodeCheck(), ...diskChecks(found.settings)]);
  let opened: Promise<ObjectStore> | undefined;
  const store = (): Promise<ObjectStore> => (opened ??= openStore(found.settings));
  const nowMs = Date.now();
  const ofStore = await examine(storeCheck(found, store));
  const policies = answers(ofStore) ? await policiesOf(await store()) : undefined;
  const url = found.context?.gatewayUrl;
  const [machine, rest, temporal, gateway] = await Promise.all([
    here,
    examineAll([
      keysCheck(found.settings.keysDirectory, answers(ofStore) ? store : noStore, nowMs),
      ...(policies === undefined
        ? []
        : [
            storeClockCheck(store, nowMs),
            presenceCheck(store, policies, nowMs),
            robotClocksCheck(store, policies, nowMs),
          ]),
    ]),
    ofTemporal(found, policies === undefined ? undefined : { policies, store: await store() }, nowMs),
    url === undefined ? [] : examine(gatewayCheck(url)),
  ]);
  return [...machine, ...ofStore, ...rest, ...temporal, ...gateway];
}

const noStore = (): Promise<never> => Promise.reject(new Error('the store does not answer'));
const answers = (findings: readonly Finding[]): boolean => findings.some(({ state }) => state === 'ok');

async function policiesOf(store: ObjectStore): Promise<readonly string[]> {
  return (await readPolicyDocuments(store, () => undefined)).map(({ policy }) => policy);
}

async function ofTemporal(
  { settings }: FoundSettings,
  known: { readonly policies: readonly string[]; readonly store: ObjectStore } | undefined,
  nowMs: number,
): Promise<readonly Finding[]> {
  const address = settings.temporal.address;
  try {
    return await withClient(settings, async (client) => {
      const [{ serverChecks }, { loopChecks }] = await Promise.all([
        import('./doctor/temporal.ts'),
        import('./doctor/loop.ts'),
      ]);
      const loop: readonly Check[] =
        known === undefined
          ? []
          : loopChecks(
              { client, fleet: openFleetReader({ store: known.store, clock: () => nowMs }), nowMs },
              known.policies,
            );
      const unasked =
        known === undefined ? [notAsked('workflows and schedules', 'the store', 'see the check of the store')] : [];
      return [...(await examineAll([...serverChecks(client, settings), ...loop])), ...unasked];
    });
  } catch (error) {
    return [
      {
        check: 'Temporal server',
        ...problem(
          error instanceof Error ? error.message : String(error),
          `a Temporal server on ${address}`,
          'start ./temporal-dev.sh or the server, or set FLYWHEEL_TEMPORAL_ADDRESS',
        ),
      },
      notAsked('workers, workflows and schedules', 'the Temporal server', 'see the check of the Temporal server'),
    ];
  }
}

const notAsked = (check: string, who: string, mend: string): Finding => ({
  check,
  ...warning(`not asked: ${who} does not answer`, `an answer of ${who}`, mend),
});

function countsOf(findings: readonly Finding[]) {
  const count = (state: Finding['state']): number => findings.filter((one) => one.state === state).length;
  return { problems: count('problem'), warnings: count('warning') };
}

/** What can be asked at all; without an answer of any of them nothing is known of the installation. */
const asked: readonly string[] = ['store', 'Temporal server', 'gateway'];

function exitCodeOf(findings: readonly Finding[]): number {
  const isKnown = findings.some(({ check, state }) => asked.includes(check) && state !== 'problem');
  if (!isKnown) return exitCodes.missing;
  return countsOf(findings).problems > 0 ? exitCodes.no : exitCodes.done;
}

function print(findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ check }) => oneLine(check).length));
  for (const { state, check, found, expected, mend } of findings) {
    const line = (word: string, name: string, text: string): void =>
      say(`${word.padEnd(8)} ${name.padEnd(width)}  ${oneLine(text)}`);
    line(state, oneLine(check), found);
    if (expected !== undefined) line('', '', `expected ${expected}`);
    if (mend !== undefined) line('', '', `mend: ${mend}`);
  }
  const { problems, warnings } = countsOf(findings);
  say(`${countText(problems, 'problem')}, ${countText(warnings, 'warning')}`);
}

const countText = (number: number, what: string): string =>
  `${number === 0 ? 'no' : number} ${what}${number === 1 ? '' : 's'}`;
