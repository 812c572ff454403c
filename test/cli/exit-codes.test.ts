import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Command } from 'commander';

import { commandGroups } from '../../cli/command-groups.ts';
import { exitCodeOf, exitCodes } from '../../cli/exit-codes.ts';
import { failure } from '../../store/failures.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { robotType } from '../activities/mix/mix-fixture.ts';
import { foreignModel } from '../activities/submissions/foreign-models.ts';
import { sharedTemporal } from '../support/temporal.ts';

const { done, no, wrong, missing } = exitCodes;

interface Row {
  /** What follows its name; DIR, NEW, VERSION and CYCLE stand for the test's own, `--policy` is added where there is one. */
  readonly args: readonly string[];
  /** The same where something is wrong. */
  readonly bad: readonly string[];
  /** Its code for `--policy nope`; null: it takes no policy, or makes a new one. */
  readonly unknownPolicy: number | null;
  /** Without a server; other than 3: it needs none, and no worker. */
  readonly noServer: number;
  /** With a server that no worker serves; 3 unless it says so: of commands that need a server. */
  readonly noWorker?: number;
  readonly noStore: number;
  readonly environment?: Readonly<Record<string, string>>;
}

const reason = ['--reason', 'a test'];
const freezeEnd = new Date(Date.now() + 30 * 24 * 3_600_000).toISOString().slice(0, 10);
const nothing = ['--what'];

/** A command that asks a workflow. */
const asks = (args: readonly string[], bad: readonly string[], unknownPolicy: number | null = wrong): Row => ({
  args,
  bad,
  unknownPolicy,
  noServer: missing,
  noStore: missing,
});

/** A command that needs the store and nothing else; `code` is how it ends with these arguments. */
const reads = (
  args: readonly string[],
  bad: readonly string[],
  unknownPolicy: number | null,
  code: number = done,
): Row => ({
  args,
  bad,
  unknownPolicy,
  noServer: code,
  noStore: missing,
});

/** A command that needs nothing that could be missing. */
const alone = (args: readonly string[], bad: readonly string[], code: number = done): Row => ({
  args,
  bad,
  unknownPolicy: null,
  noServer: code,
  noStore: code,
});

const episode = '01JD00000000000000000000E1';

/** Every command × what may be wrong. The keys are all there are: a command that is missing here fails the test. */
const table: Readonly<Record<string, Row>> = {
  // Reads a folder that is not there: what is there is imported in test/cli/import.test.ts.
  import: { ...alone(['scitos-g5', 'DIR/none'], ['no-format', 'DIR/none'], wrong) },
  export: reads(
    ['lerobot', 'DIR/out', '--robot-type', 'test-robot@1'],
    ['csv', 'DIR', '--robot-type', 'test-robot@1'],
    wrong,
    no,
  ),
  'data check': reads(['DIR/none.parquet'], [], null, wrong),
  'data landing list': reads([], ['--limit', 'all'], null),
  'data landing remove': reads(['landing/r1/none.parquet', ...reason], ['landing/r1/none.parquet'], null, wrong),
  'data retention show': reads([], nothing, null),
  'data retention set': reads(['frames=730', '--reason', 'a test'], ['frames=730'], null),
  'data retention run': reads(['--dry-run'], nothing, wrong),
  'data hold add': reads(['--robot', 'r1', '--reason', 'a test'], ['--robot', 'r1'], null),
  'data hold lift': reads(['hold-99', '--reason', 'a test'], ['hold-99'], null, wrong),
  'data hold list': reads([], nothing, null),
  'data erase': reads(['--robot', 'r99', '--reason', 'a test', '--dry-run'], ['--robot', 'r99'], null),
  'data erasures': reads([], nothing, null),
  'data compact': reads(['--dry-run'], nothing, null),
  'data exclude': reads([episode, ...reason], [episode], null, wrong),
  'data include': reads([episode, ...reason], [episode], null, wrong),
  'data exclusions': reads([], nothing, null),
  'data version': reads([], nothing, null),
  'data misclassified': reads(['--version', '9.9.9'], nothing, wrong, wrong),
  'data quality': reads(['--cycle', 'none'], nothing, wrong, wrong),
  'data needs-label': reads([], ['--limit', '0'], wrong),
  'data quarantine': reads([], nothing, null),
  'labels add': reads([episode, '--frames', '1-2', '--action', 'go', ...reason], [episode, ...reason], null, wrong),
  'labels import': reads(['DIR/none.jsonl', ...reason], ['DIR/none.jsonl'], null, wrong),
  'labels list': reads([], nothing, null),
  'labels remove': reads(['l1', ...reason], ['l1'], null, wrong),
  'keys init': alone([], ['--root-keys', 'none'], wrong),
  'keys upgrade': reads([], nothing, null, wrong),
  'keys show': reads([], nothing, null),
  'keys rotate': reads(['order'], ['everything'], null),
  'keys lost': reads(['order'], ['root'], null),
  'keys revoke': reads(['0123456789abcdef', '--reason', 'a test'], ['0123456789abcdef'], null, wrong),
  'keys root-key': alone(['DIR/NEW.pem'], []),
  'keys sign-root': alone(['DIR/none.json', '--key', 'DIR/none.pem'], ['DIR/none.json'], wrong),
  'keys publish': reads(['DIR/none.json'], [], null, wrong),
  'keys adopt': reads([], nothing, wrong),
  'keys resign': reads(['9.9.9', '--model-sha256', 'a'.repeat(64)], ['9.9.9'], wrong, wrong),
  'models check': reads(['DIR/held.onnx'], ['DIR/none.onnx'], wrong, no),
  // A model that a gate holds is offered to nobody.
  'models submit': { ...asks(['DIR/held.onnx'], ['DIR/held.onnx', '--input', 'soon']), noWorker: no },
  'models show': reads(['VERSION'], ['9.9.9'], wrong),
  'models compare': reads(['VERSION', 'VERSION'], ['VERSION', '9.9.9'], wrong),
  'models held': reads([], nothing, wrong),
  'models reproduce': reads(['VERSION'], ['9.9.9'], wrong, wrong),
  'models baseline': reads(['DIR/held.onnx', '--robot-type', 'test-robot@1'], ['DIR/none.onnx'], null, wrong),
  'models adopt': reads(
    ['--robot-type', 'test-robot@1', '--reason', 'a test'],
    ['--robot-type', 'test-robot@9', '--reason', 'a test'],
    wrong,
  ),
  // The version is proven on the one body that it lists.
  'models serve': reads(
    ['--robot-type', 'test-robot@1', '--version', 'VERSION', '--reason', 'a test'],
    ['--robot-type', 'test-robot@1', '--version', '9.9.9', '--reason', 'a test'],
    wrong,
    wrong,
  ),
  'models list': reads([], nothing, wrong),
  'models history': reads([], nothing, wrong),
  'cycle start': asks([], ['--input', '{"canidate": 1}']),
  'cycle list': reads([], ['--limit', 'all'], wrong),
  'cycle status': asks(['CYCLE'], [], null),
  'cycle abort': asks(['CYCLE', ...reason], ['CYCLE'], null),
  'trial offer': asks(['VERSION'], ['9.9.9']),
  'trial status': asks([], nothing),
  'trial pause': asks(reason, []),
  'trial resume': asks(reason, []),
  'trial approve': asks(reason, []),
  'trial reject': asks(reason, []),
  'trial abort': asks(reason, []),
  'freeze set': reads(['--until', freezeEnd, ...reason], ['--until', 'soon', ...reason], wrong),
  'freeze show': reads([], nothing, wrong),
  'freeze lift': reads(reason, [], wrong),
  'rollback start': asks(reason, []),
  'rollback approve': asks(reason, []),
  'rollback reject': asks(reason, []),
  'rollback undo': asks(reason, [...reason, '--order', 'last']),
  'rollback status': asks([], nothing),
  schedule: { ...asks([], ['--input', '{"training": {"seed": -1}}']), noWorker: done },
  why: reads(['VERSION'], ['9.9.9'], wrong),
  'incidents list': reads([], ['--history', '--limit', 'all'], wrong),
  'incidents since': reads(['8h'], ['yesterday'], wrong),
  'incidents acknowledge': asks(['silent.r1.1', ...reason], ['silent.r1.1']),
  metrics: reads([], ['--from', 'monday'], wrong),
  'costs set': reads(['DIR/costs.json', ...reason], ['DIR/none.json', ...reason], wrong),
  'costs show': reads([], nothing, wrong),
  monitor: asks([], nothing),
  'robots add': reads(['r1', '--robot-type', 'test-robot@1', '--site', 'hall'], ['r2', '--robot-type', 'test'], wrong),
  'robots body': reads(
    ['r0', '--robot-type', 'test-robot@1', ...reason],
    ['r0', '--robot-type', 'test-robot@9', ...reason],
    null,
    wrong,
  ),
  // To the policy that it has: nothing to do.
  'robots move': reads(['r0', ...reason], ['r0', '--site', 'yard', ...reason], wrong, wrong),
  // The rows after it find a robot in quarantine, or released.
  'robots quarantine': reads(['r0', ...reason], ['nobody', ...reason], null),
  'robots release': reads(['r0', ...reason], ['nobody', ...reason], null),
  'robots retire': reads(['nobody', ...reason], ['nobody', ...reason], null, wrong),
  'robots show': reads(['r0'], ['nobody'], null),
  'robots rotate': reads(['r0'], [], null),
  'robots split': reads(['r0', 'r9'], ['r0'], null),
  'robots revoke': reads(['r0'], [], null),
  'robots list': reads([], nothing, wrong),
  // Reads a file that is not there: adding a type may begin an installation, see test/cli/robot-types.test.ts.
  'robot-types add': alone(['DIR/none.json'], ['DIR/none.json'], wrong),
  'robot-types check': alone(['docs/examples/arm-7.json'], ['DIR/none.json']),
  'robot-types infer': alone(['csv', 'DIR/none.csv', '--id', 'arm'], ['bag', 'DIR/none', '--id', 'arm'], wrong),
  'robot-types list': reads([], nothing, null),
  'robot-types show': reads(['test-robot@1'], ['nobody@1'], null),
  'robot-types diff': reads(['test-robot@1', 'scitos-g5@1'], ['test-robot@1', 'nobody@1'], null),
  audit: reads([], ['--limit', 'all'], wrong),
  'operators add': reads(['NEW', '--role', 'admin', ...reason], ['Ada Lovelace', ...reason], null),
  'operators list': reads([], nothing, null),
  'operators remove': reads(['nobody', ...reason], ['nobody', ...reason], null, wrong),
  'tasks add': reads(
    ['reach', '--instruction', 'reach for it', ...reason],
    ['Reach', '--instruction', 'go', ...reason],
    wrong,
  ),
  'tasks retire': reads(['dock', ...reason], ['nowhere', ...reason], wrong),
  'tasks import': reads(['DIR/tasks.csv', ...reason], ['DIR/none.csv', ...reason], wrong),
  'tasks release': reads(['dock', ...reason], ['nowhere', ...reason], wrong),
  'tasks refused': reads([], ['--hours', 'all'], wrong),
  'tasks list': reads([], nothing, wrong),
  'windows set': reads(
    ['hall', '--zone', 'Europe/Berlin', '--days', 'mon-fri', '--from', '22:00', '--to', '05:00', ...reason],
    ['hall', '--zone', 'Europe/Atlantis', '--days', 'mon-fri', '--from', '22:00', '--to', '05:00', ...reason],
    null,
  ),
  'windows show': reads(['hall'], ['nowhere'], null),
  'windows remove': reads(['hall', ...reason], ['hall'], null),
  // It would go on until it is told to stop: here it has a setting that it refuses.
  gateway: { ...reads([], nothing, null, wrong), environment: { FLYWHEEL_GATEWAY_PORT: 'none' } },
  // Goes on as long as its robot, whatever the gateway does: test/fleet/agent/real-gateway.test.ts.
  agent: alone(
    ['--robot', 'r1', '--gateway', 'http://127.0.0.1:1', '--dir', 'DIR/agent', '--robot-type', 'DIR/none.json'],
    ['--robot', 'r1', '--gateway', 'gopher://here', '--dir', 'DIR/agent'],
    wrong,
  ),
  // Measures for seconds where it may: test/long/agent-bench.test.ts.
  'agent bench': alone(['--robot-type', 'DIR/none.json'], ['--robot-type', 'DIR/none.json', '--runs', 'many'], wrong),
  'simulate fleet': alone(
    ['--gateway', 'http://127.0.0.1:1', '--robots', 'DIR/none.json', '--dir', 'DIR/disks', '--root', 'DIR/none.json'],
    ['--gateway', 'http://127.0.0.1:1', '--robots', 'DIR/none.json', '--dir', 'DIR/disks', '--episodes', 'many'],
    wrong,
  ),
  // Writes a folder once: with a scenario that is not there it can be asked again.
  'simulate export': alone(
    ['--out', 'DIR/export', '--scenario', 'DIR/none.json'],
    ['--out', 'DIR/export', '--episodes', '1', '--camera', '8x8'],
    wrong,
  ),
  'plan ab': alone(
    '--baseline 0.9 --candidate 0.92 --robots 100 --episodes-per-day 1000'.split(' '),
    '--baseline 9 --candidate 0.92 --robots 100 --episodes-per-day 1000'.split(' '),
  ),
  'plan rollout': alone('--baseline 0.9 --robots 100 --episodes-per-day 1000'.split(' '), ['--baseline', '0.9']),
  'deploy status': { ...asks([], nothing, null), noWorker: done, environment: { FLYWHEEL_DEPLOYMENT: 'codes' } },
  'deploy current': {
    ...asks(['cafe', '--reason', 'why'], ['cafe'], null),
    noWorker: wrong,
    environment: { FLYWHEEL_DEPLOYMENT: 'codes' },
  },
  'deploy check': { ...asks([], nothing, null), noWorker: done },
  // Says what is missing and goes on with the rest; 3 only where nothing answers: test/cli/doctor.test.ts.
  doctor: alone([], nothing, no),
  completion: alone(['bash'], ['cmd.exe']),
  context: alone([], nothing),
};

describe('exit codes of the commands', function () {
  this.timeout(240_000);
  const policy = `wall-${randomUUID().slice(0, 8)}`;
  const cycle = `cycle/${policy}-1`;
  const environment = { ...process.env };
  let directory: string;
  let address: string;
  let commands: ReadonlyMap<string, Command>;
  let version = '';
  let printAgain: () => void;

  before(async () => {
    printAgain = keepPrints();
    const { client, ...server } = await sharedTemporal();
    ({ address } = server);
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-codes-'));
    commands = commandsOf(await program());
    const store = fileObjectStore({ root: path.join(directory, 'store') });
    await publishRobotType(store, robotType);
    await writeFile(path.join(directory, 'tasks.csv'), 'id,instruction\npark,park at the wall\n');
    await writeFile(
      path.join(directory, 'costs.json'),
      '{"currency":"EUR","perRobotDay":1,"perOnlineHour":1,"perIntervention":1,"perFailure":1,"itemWithoutRobot":1}',
    );
    await writeFile(path.join(directory, 'good.onnx'), foreignModel([0, 4, 0]));
    await writeFile(path.join(directory, 'held.onnx'), foreignModel([0, 1]));
    here();
    await mustEnd('keys init', []);
    const said = await mustEnd('models baseline', ['DIR/good.onnx', '--robot-type', 'test-robot@1', '--json']);
    ({ version } = JSON.parse(said) as { version: string });
    await mustEnd('robots add', ['r0', '--robot-type', 'test-robot@1', '--site', 'hall']);
    // A run that nobody works on answers nothing, whatever it is asked.
    for (const [type, workflowId] of [
      ['trialPolicy', `trial/${policy}`],
      ['rollbackPolicy', `rollback/${policy}`],
      ['fleetMonitor', `monitor/${policy}`],
      ['weeklyCycle', cycle],
    ] as const)
      await client.workflow.start(type, {
        workflowId,
        taskQueue: `${policy}-orchestration`,
        args: [{ policy }],
        workflowExecutionTimeout: '4 minutes',
      });
  });
  beforeEach(here);
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('FLYWHEEL_')) delete process.env[name];
    Object.assign(process.env, environment);
  });
  after(async () => {
    printAgain();
    const { client } = await sharedTemporal();
    // A part of this file makes none.
    await client.schedule
      .getHandle(`weekly-sync-${policy}`)
      .delete()
      .catch(() => undefined);
    await rm(directory, { recursive: true, force: true });
  });

  function here(): void {
    Object.assign(process.env, {
      FLYWHEEL_STORE: path.join(directory, 'store'),
      FLYWHEEL_SCRATCH: path.join(directory, 'scratch'),
      FLYWHEEL_KEYS: path.join(directory, 'keys'),
      FLYWHEEL_TEMPORAL_ADDRESS: address,
      FLYWHEEL_QUEUE_PREFIX: `${policy}-`,
    });
  }

  /** What a command of the table ends with, in this process, and within the time that nothing hangs in. */
  async function ended(name: string, args: readonly string[], ofPolicy = policy) {
    const own = { DIR: directory, VERSION: version, CYCLE: cycle, NEW: randomUUID() };
    const words = args.map((word) =>
      Object.entries(own).reduce((text, [placeholder, value]) => text.replace(placeholder, value), word),
    );
    const takesPolicy = commands.get(name)?.options.some(({ long }) => long === '--policy') === true;
    const { environment: special = {} } = table[name] ?? {};
    Object.assign(process.env, special);
    const startedMs = performance.now();
    try {
      const answer = await answerOf([...name.split(' '), ...words, ...(takesPolicy ? ['--policy', ofPolicy] : [])]);
      // 5 s on a machine that has time for it.
      assert.ok(performance.now() - startedMs < 30_000, `${name}: ${performance.now() - startedMs} ms`);
      return answer;
    } finally {
      for (const variable of Object.keys(special)) delete process.env[variable];
    }
  }

  async function mustEnd(name: string, args: readonly string[]): Promise<string> {
    const { exitCode, message, out } = await ended(name, args);
    assert.equal(exitCode, done, message);
    return out;
  }

  it('are held for every command there is', () => {
    assert.deepEqual(Object.keys(table).toSorted(), [...commands.keys()].toSorted());
    for (const [name, { unknownPolicy }] of Object.entries(table)) {
      const takesPolicy = commands.get(name)?.options.some(({ long }) => long === '--policy') === true;
      // The one command that makes a policy.
      assert.equal(unknownPolicy !== null, takesPolicy && name !== 'models baseline', name);
    }
  });

  it('are 2 for input that is wrong', async () => {
    for (const [name, { bad }] of Object.entries(table)) {
      const { exitCode, out } = await ended(name, bad);
      assert.equal(exitCode, wrong, `${name} ${bad.join(' ')}: ${out}`);
    }
  });

  it('are 2 for a policy that nobody knows, with a server that has no worker and without one', async () => {
    for (const server of [address, nowhere])
      for (const [name, { args, unknownPolicy, noServer }] of Object.entries(table)) {
        process.env['FLYWHEEL_TEMPORAL_ADDRESS'] = server;
        if (unknownPolicy === null || (server === nowhere && noServer === missing)) continue;
        const { exitCode, message, out } = await ended(name, args, 'nope');
        assert.equal(exitCode, unknownPolicy, `${name}: ${message || out}`);
      }
  });

  it('are 3 without a server for what needs one, and say where it was expected', async () => {
    process.env['FLYWHEEL_TEMPORAL_ADDRESS'] = nowhere;
    const check = async ([name, { args, noServer }]: Entry): Promise<void> => {
      const { exitCode, message, out } = await ended(name, args);
      assert.equal(exitCode, noServer, `${name}: ${message || out}`);
      if (noServer === missing)
        assert.match(message || out, /expected a Temporal server on 127\.0\.0\.1:1, got none/, name);
    };
    // The list asks the server as well, and does without.
    const waits = ([name, { noServer }]: Entry): boolean => noServer === missing || name === 'cycle list';
    const rows = Object.entries(table);
    for (const row of rows) if (!waits(row)) await check(row);
    // These end with an error or with 0: they share no exit code of this process.
    await Promise.all(rows.filter(waits).map(check));
  });

  it('are 3 without a worker, within seconds, and name the queue nobody serves', async () => {
    const asking = Object.entries(table).filter(([, { noServer }]) => noServer === missing);
    assert.ok(asking.length > 10);
    const check = async ([name, { args, noWorker = missing }]: Entry): Promise<void> => {
      const { exitCode, message } = await ended(name, args);
      assert.equal(exitCode, noWorker, `${name}: ${message}`);
      if (noWorker === missing)
        assert.ok(message.includes(`no worker serves the queue ${policy}-orchestration`), `${name}: ${message}`);
    };
    const waits = ([, { noWorker = missing }]: Entry): boolean => noWorker === missing;
    // What these compute would keep the others from asking the server in time why nobody answers.
    for (const row of asking) if (!waits(row)) await check(row);
    await Promise.all(asking.filter(waits).map(check));
  });

  it('are 3 without a store, which reading does not make', async () => {
    for (const [name, { args, noStore }] of Object.entries(table)) {
      process.env['FLYWHEEL_STORE'] = path.join(directory, 'nowhere');
      const { exitCode, message, out } = await ended(name, args);
      assert.equal(exitCode, noStore, `${name}: ${message || out}`);
      if (noStore === missing)
        assert.match(message || out, /expected a store in .*nowhere, there is none/, `${name}: ${message || out}`);
    }
  });

  // 1: test/activities/submissions/submissions.test.ts.
  it('are what the process ends with', async () => {
    assert.deepEqual(exitCodes, { done: 0, no: 1, wrong: 2, missing: 3 });
    const cases: readonly (readonly [code: number, words: string, environment?: Record<string, string>])[] = [
      [0, 'plan rollout --baseline 0.9 --robots 100 --episodes-per-day 1000'],
      [2, `models show 9.9.9 --policy ${policy}`],
      [3, 'keys show', { FLYWHEEL_STORE: path.join(directory, 'nowhere') }],
    ];
    const ends = cases.map(async ([, words, more = {}]) => {
      const child = spawn(process.execPath, [start, ...words.split(' ')], { env: { ...process.env, ...more } });
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    });
    assert.deepEqual(
      await Promise.all(ends),
      cases.map(([code]) => code),
    );
  });

  it('are that of SIGPIPE, without a word, for one whose reader has read enough', async () => {
    // `help` would load every command there is.
    const command = 'plan rollout --baseline 0.9 --robots 100 --episodes-per-day 1000'.split(' ');
    const child = spawn(process.execPath, [start, ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.deepEqual([code, said], [141, '']);
  });

  it('say that a key is missing as they say that a store is', () => {
    assert.equal(exitCodeOf(failure('KeysUnavailable', 'the release key is not here')), missing);
    assert.equal(exitCodeOf(failure('StoreUnavailable', 'the disk is full')), missing);
    assert.equal(exitCodeOf(failure('NotFound', 'no such version')), wrong);
  });
});

const nowhere = '127.0.0.1:1';
const start = fileURLToPath(new URL('../../cli/start.mjs', import.meta.url));

type Entry = readonly [name: string, row: Row];

async function program(): Promise<Command> {
  const all = new Command('flywheel').exitOverride().configureOutput({ writeErr: () => undefined });
  for (const load of Object.values(commandGroups)) (await load())(all);
  return all;
}

/** The commands that do something, by all their words. */
function commandsOf(parent: Command, words: readonly string[] = []): ReadonlyMap<string, Command> {
  return new Map(
    parent.commands.flatMap((command): (readonly [string, Command])[] => {
      const path = [...words, command.name()];
      // A command may have commands below it and do something itself: then it has options.
      const own: readonly (readonly [string, Command])[] = [[path.join(' '), command]];
      if (command.commands.length === 0) return [...own];
      return [...(command.options.length === 0 ? [] : own), ...commandsOf(command, path)];
    }),
  );
}

/** What the process would end with, and what was printed meanwhile. */
async function answerOf(args: readonly string[]): Promise<{ exitCode: number; message: string; out: string }> {
  const said: string[] = [];
  const codeBefore = process.exitCode;
  process.exitCode = done;
  try {
    await printing.run(said, async () => (await program()).parseAsync(args, { from: 'user' }));
    return { exitCode: process.exitCode ?? done, message: '', out: said.join('') };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { exitCode: exitCodeOf(error), message, out: said.join('') };
  } finally {
    process.exitCode = codeBefore;
  }
}

/** What commands print that run beside each other, each for itself. */
const printing = new AsyncLocalStorage<string[]>();

/** Keeps what commands print from the terminal; gives what takes that back. */
function keepPrints(): () => void {
  const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write.bind(stream) }));
  for (const { stream, write } of streams)
    stream.write = (text: string | Uint8Array, ...rest: never[]) => {
      const said = printing.getStore();
      return said === undefined ? write(text, ...rest) : said.push(String(text)) > 0;
    };
  return () => streams.forEach(({ stream, write }) => (stream.write = write));
}
