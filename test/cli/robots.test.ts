import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Command } from 'commander';

import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { registerGatewayCommand } from '../../cli/gateway.ts';
import type { RobotPage } from '../../activities/robot-page.ts';
import { registerRobotCommands } from '../../cli/robots.ts';
import { registerModel } from '../../activities/registry/register-model.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { robotTypeSchema, type RobotType } from '../../datasets/robot-type.ts';
import { readRobots, tokenHash, writeAgentNote, type FleetView, type RobotRecord } from '../../fleet/desk/index.ts';
import { transferSchema } from '../../fleet/protocol/index.ts';
import { mappedBody } from '../../policies/mapped-body.ts';
import { identityBody } from '../../policies/version-bodies.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { moveAliases } from '../../store/records/aliases.ts';
import { approveBody } from '../../store/records/served-bodies.ts';
import { openTestKeys } from '../support/keys.ts';

describe('flywheel robots', () => {
  let directory: string;
  let store: ObjectStore;
  const set: Record<string, string | undefined> = {};

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-robots-'));
    store = fileObjectStore({ root: join(directory, 'store') });
    await publishRobotType(store, scitosG5Type);
    await createPolicyDocument(store, { policy: 'wall', robotType: { id: 'scitos-g5', version: 1 } });
    for (const [name, folder] of [
      ['FLYWHEEL_STORE', 'store'],
      ['FLYWHEEL_SCRATCH', 'scratch'],
      ['FLYWHEEL_KEYS', 'keys'],
    ] as const) {
      set[name] = process.env[name];
      process.env[name] = join(directory, folder);
    }
  });
  afterEach(async () => {
    for (const [name, value] of Object.entries(set))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    await rm(directory, { recursive: true, force: true });
  });

  const add = (id: string, type = 'scitos-g5@1') =>
    run('add', id, '--robot-type', type, '--site', 'hall', '--policy', 'wall') as Promise<{ token: string }>;
  const hashes = async (id: string) => (await readRobots(store)).get(id)?.tokenHashes;

  it('add prints the token once and stores its hash', async () => {
    const { token } = await add('r1');
    assert.match(token, /^fw\.r1\.[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(await hashes('r1'), [tokenHash(token)]);
    await assert.rejects(add('r1'), /new robot id/);
  });

  it('add refuses ids, types and policies that do not fit', async () => {
    await assert.rejects(add('R 1'), /robot id/);
    await assert.rejects(add('r1', 'scitos-g5@9'), /scitos-g5@9/);
    await assert.rejects(
      run('add', 'r1', '--robot-type', 'scitos-g5@1', '--site', 'hall', '--policy', 'no'),
      /no policy/,
    );
  });

  it('rotate replaces the token, or keeps the last one beside it', async () => {
    const first = await add('r1');
    const second = (await run('rotate', 'r1')) as { token: string };
    assert.deepEqual(await hashes('r1'), [tokenHash(second.token)]);
    assert.notEqual(first.token, second.token);
    const third = (await run('rotate', 'r1', '--keep-old')) as { token: string };
    assert.deepEqual(await hashes('r1'), [tokenHash(third.token), tokenHash(second.token)]);
  });

  it('revoke takes all tokens away', async () => {
    await add('r1');
    await run('revoke', 'r1', '--reason', 'stolen');
    assert.deepEqual(await hashes('r1'), []);
    assert.equal((await readRobots(store)).get('r1')?.why, 'stolen');
    await assert.rejects(run('revoke', 'r9'), /robots add/);
    assert.deepEqual(((await run('list', '--policy', 'wall')) as FleetView).robots, []);
    await run('rotate', 'r1');
    assert.equal(((await run('list', '--policy', 'wall')) as FleetView).robots.length, 1);
  });

  it('list shows what is known of a policy’s robots', async () => {
    await add('r1');
    const view = (await run('list', '--policy', 'wall')) as FleetView;
    assert.equal(view.presence, 'unknown');
    assert.deepEqual(
      view.robots.map(({ robotId, contact }) => [robotId, contact]),
      [['r1', 'unknown']],
    );
  });

  describe('add --from', () => {
    const csv = async (text: string): Promise<string> => {
      const file = join(directory, 'robots.csv');
      await writeFile(file, text);
      return file;
    };
    const tokensFile = (): string => join(directory, 'tokens.json');
    const addFrom = async (text: string, ...more: readonly string[]) =>
      run('add', '--from', await csv(text), '--tokens', tokensFile(), '--policy', 'wall', ...more);
    const type = ['--robot-type', 'scitos-g5@1'];

    it('registers all robots of a file; their tokens are in a new file that its owner alone reads', async () => {
      const added = await addFrom('\ufeffrobot_id,site,stratum\r\na1,"hall north",\r\n\r\na2,yard,old\n', ...type);
      assert.deepEqual(added, { added: 2, known: 0, tokensFile: tokensFile() });
      assert.equal((await stat(tokensFile())).mode & 0o777, 0o600);
      const tokens = JSON.parse(await readFile(tokensFile(), 'utf8')) as { robotId: string; token: string }[];
      const robots = await readRobots(store);
      for (const { robotId, token } of tokens)
        assert.deepEqual(robots.get(robotId)?.tokenHashes, [tokenHash(token)], robotId);
      assert.deepEqual([robots.get('a1')?.stratum, robots.get('a2')?.stratum], ['hall north', 'old']);
    });

    it('goes on where it was interrupted, with the same tokens', async () => {
      const text = `robot_id,site\n${['a1', 'a2', 'a3'].map((id) => `${id},hall`).join('\n')}`;
      await addFrom(text, ...type);
      const before = await hashes('a3');
      // As if it had died before the last one.
      await store.delete(`robots/a3/${'0'.repeat(20)}.json`);
      assert.deepEqual(await addFrom(text, ...type), { added: 1, known: 2, tokensFile: tokensFile() });
      assert.deepEqual(await hashes('a3'), before);
    });

    it('tells everything that is wrong by line, and registers nobody', async () => {
      await add('known');
      const text =
        'robot_id,site,robot_type,policy\nA 1,hall,,\nok,hall,,\nok,hall,,\nknown,hall,,\nb1,,,\nb2,hall,scitos-g5@9,\nb3,hall,,nope\nb4,hall\nb5,"\u001b[2J",,';
      const error = await addFrom(text, ...type).then(
        () => assert.fail('expected a refusal'),
        (cause: unknown) => String(cause),
      );
      for (const [line, what] of [
        [2, 'robotId: expected a robot id'],
        [4, 'got ok of line 3 again'],
        [5, 'got known, which is registered'],
        [6, 'site: expected a value here or --site'],
        [7, 'scitos-g5@9'],
        [8, 'no policy'],
        [9, 'expected 4 cells, got 2'],
        [10, 'site: expected 1 to 63 letters'],
      ] as const)
        assert.match(error, new RegExp(`line ${line}: .*${what}`), what);
      assert.deepEqual([...(await readRobots(store)).keys()], ['known']);
      await assert.rejects(stat(tokensFile()), /ENOENT/);
    });

    it('refuses files that are no such table, too large, or have too many robots, and a tokens file that is another', async () => {
      await assert.rejects(addFrom('id,site\na1,hall', ...type), /expected a first line with column names .robot_id/);
      await assert.rejects(addFrom('robot_id,robot_id\na1,a1', ...type), /each once/);
      await assert.rejects(addFrom('', ...type), /expected a first line/);
      await assert.rejects(addFrom('robot_id\n', ...type), /expected 1 to 10000 robots, got 0/);
      await assert.rejects(addFrom(`robot_id\n${'a\n'.repeat(10_001)}`, ...type), /got 10001/);
      await assert.rejects(addFrom('x'.repeat(3_000_000), ...type), /at most 2097152 bytes/);
      await writeFile(tokensFile(), '{}');
      await assert.rejects(addFrom('robot_id,site\na1,hall', ...type), /tokens of these robots/);
      await writeFile(tokensFile(), '[]');
      await assert.rejects(addFrom('robot_id,site\na1,hall', ...type), /tokens of these robots/);
      assert.equal((await readRobots(store)).size, 0);
      await assert.rejects(run('add', '--from', 'x.csv'), /--tokens/);
      await assert.rejects(run('add', 'r1', '--from', 'x.csv'), /got both/);
    });
  });

  it('quarantine, release, move and retire need a reason, are kept with who and why, and show tells them', async () => {
    await add('r1');
    const words = ['--reason', 'a squeak', '--who', 'ada'];
    await run('quarantine', 'r1', ...words);
    const listed = ((await run('list', '--policy', 'wall')) as FleetView).robots[0];
    assert.deepEqual(
      [listed?.isQuarantined, listed?.quarantine?.why, listed?.quarantine?.who],
      [true, 'a squeak', 'ada'],
    );
    const page = (await run('show', 'r1')) as RobotPage;
    assert.deepEqual([page.standing, page.quarantine?.why], ['quarantined', 'a squeak']);
    await run('release', 'r1', ...words);
    await run('move', 'r1', '--site', 'yard', ...words);
    await store.put('landing/r1/x.parquet', new Uint8Array(1));
    for (const name of ['ab', 'cd'])
      for (const camera of ['front', 'back'])
        await store.put(`media-of/r1/${name.repeat(32)}/01J00000000000000000000000.${camera}.json`, new Uint8Array(1));
    for (const part of [0, 1]) await store.put(`landing-media/r1/${'ef'.repeat(32)}/${part}`, new Uint8Array(1));
    await run('retire', 'r1', ...words);
    const { standing, acts, tokens, now, uploads } = (await run('show', 'r1')) as RobotPage;
    assert.deepEqual([standing, tokens, now, uploads.waiting], ['retired', 0, null, 1]);
    assert.deepEqual([uploads.clips, uploads.unfinishedClips], [2, 1]);
    assert.deepEqual(
      acts.map(({ act, who, why }) => [act, who === 'ada' ? who : 'me', why]),
      [
        ['added at hall, wall', 'me', 'registered'],
        ['quarantined', 'ada', 'a squeak'],
        ['released', 'ada', 'a squeak'],
        ['site hall → yard, stratum hall → yard', 'ada', 'a squeak'],
        ['retired', 'ada', 'a squeak'],
      ],
    );
    await assert.rejects(run('rotate', 'r1'), /got a retired one/);
    await assert.rejects(run('show', 'r9'), /registered robot/);
    await assert.rejects(run('move', 'r1', ...words), /--site or --stratum/);
    const view = (await run('list', '--policy', 'wall')) as FleetView;
    assert.deepEqual([view.robots, view.retired.map(({ robotId }) => robotId)], [[], ['r1']]);
  });

  it('move --policy signs the word that the robot needs, and changes nothing where it would not be taken', async () => {
    await add('r1');
    const keysDirectory = join(directory, 'keys');
    const move = (...words: string[]) =>
      run('move', 'r1', '--reason', 'needed there', ...words) as Promise<RobotRecord>;
    const refused = async (said: RegExp) => {
      await assert.rejects(move('--policy', 'pick'), said);
      assert.equal((await readRobots(store)).get('r1')?.policy, 'wall');
    };
    await assert.rejects(move(), /--policy, or --site or --stratum, got neither/);
    await assert.rejects(move('--policy', 'pick', '--site', 'yard'), /got both/);
    await refused(/no policy "pick"/);
    await createPolicyDocument(store, { policy: 'pick', robotType: { id: 'scitos-g5', version: 1 } });
    await refused(/a champion to run, got pick without one/);
    const aliases = () => ({ champion: '1.0.0', baseline: '1.0.0' });
    const origin = { policy: 'pick', operationId: 'baseline', who: 'ada', why: 'first' };
    await moveAliases({ store, clock: Date.now }, origin, aliases);
    const { orders } = await openTestKeys(keysDirectory, store);
    assert.ok(orders);
    await refused(/none has connected/);
    const note = { robotId: 'r1', agentVersion: '0.0.9', atMs: 1 };
    await writeAgentNote(store, { ...note, knowsTransfers: false });
    await refused(/got version 0\.0\.9, which would refuse every order of pick/);
    await writeAgentNote(store, { ...note, knowsTransfers: true });
    const { policy, transfer, moves } = await move('--policy', 'pick');
    assert.equal(policy, 'pick');
    const said = transferSchema.parse(transfer?.signed);
    assert.deepEqual([said.robotId, said.from, said.to, said.robotType.id], ['r1', ['wall'], 'pick', 'scitos-g5']);
    assert.ok(orders.trusts(transfer ?? assert.fail(), said.issuedAtMs));
    assert.deepEqual(
      moves?.map(({ from, to }) => [from, to]),
      [['wall', 'pick']],
    );
    const again = transferSchema.parse((await move('--policy', 'pick')).transfer?.signed);
    assert.deepEqual([again.from, again.to, again.seq > said.seq], [['wall'], 'pick', true]);
    const page = (await run('show', 'r1')) as RobotPage;
    assert.deepEqual(
      page.acts.map(({ act }) => act),
      ['added at hall, wall', 'policy wall → pick', 'signed anew for pick'],
    );
  });

  describe('moved to a policy that adopted a newer body', () => {
    const two = robotTypeSchema.parse({
      ...scitosG5Type,
      version: 2,
      observations: [...scitosG5Type.observations, { name: 'bumper', unit: '1', min: 0, max: 1 }],
      follows: { version: 1, observations: [{ name: 'bumper', is: 'new', fill: 0 }] },
    });
    const referenceOf = (type: RobotType) => ({ id: type.id, version: type.version, digest: robotTypeDigest(type) });
    const own = { standing: 'proven', heldOutEpisodes: 40 } as const;
    const pick = { policy: 'pick', who: 'ada', why: 'first' };
    const move = () => run('move', 'r1', '--reason', 'needed there', '--policy', 'pick') as Promise<RobotRecord>;

    beforeEach(async () => {
      await add('r1');
      await publishRobotType(store, two);
      await createPolicyDocument(store, { policy: 'pick', robotType: { id: two.id, version: 2 } });
      await writeAgentNote(store, { robotId: 'r1', agentVersion: '1.0.0', atMs: 1, knowsTransfers: true });
    });

    /** A champion made for the newer body, with the older one as said. */
    async function champion(older: 'proven' | 'unproven' | undefined): Promise<void> {
      const { signer } = await openTestKeys(join(directory, 'keys'), store);
      const chain = [scitosG5Type, two];
      const proven = { standing: older ?? 'unproven', heldOutEpisodes: 9 } as const;
      const mapped = mappedBody({ model: two, body: scitosG5Type, chain, proven });
      const bodies = [identityBody(two, referenceOf(two), own), ...(older === undefined ? [] : [mapped])];
      const model = new TextEncoder().encode('a model');
      await store.put('incoming/model', model);
      await registerModel({ store, signer, clock: Date.now, codeBuild: 'test' })({
        policy: 'pick',
        operationId: 'first',
        change: 'minor',
        robotType: referenceOf(two),
        bodies: jsonBytes({ bodies }),
        sources: { 'model.onnx': 'incoming/model' },
        modelSha256: createHash('sha256').update(model).digest('hex'),
        parents: [],
        training: null,
        metrics: {},
        gates: [],
      });
      const aliases = () => ({ champion: '1.0.0', baseline: '1.0.0' });
      await moveAliases({ store, clock: Date.now }, { ...pick, operationId: 'baseline' }, aliases);
    }

    it('a robot of an older body goes along, under its own robot type, where that is served', async () => {
      await champion('proven');
      const { policy, transfer } = await move();
      assert.equal(policy, 'pick');
      assert.deepEqual(transferSchema.parse(transfer?.signed).robotType, referenceOf(scitosG5Type));
    });

    it('it is refused where nothing serves it, until a person lets it have a version that lists it', async () => {
      await champion('unproven');
      await assert.rejects(
        move(),
        /a policy that serves scitos-g5@1, got pick, whose champion 1\.0\.0 does not \(unproven\)/,
      );
      const robot = (await readRobots(store)).get('r1');
      assert.deepEqual([robot?.policy, robot?.transfer], ['wall', undefined]);
      const robotType = { id: 'scitos-g5', version: 1 };
      await approveBody({ store, clock: Date.now }, { ...pick, version: '1.0.0', robotType });
      assert.equal((await move()).policy, 'pick');
    });

    it('it is refused where the champion does not list it, or cannot be read', async () => {
      const aliases = () => ({ champion: '1.0.0', baseline: '1.0.0' });
      await moveAliases({ store, clock: Date.now }, { ...pick, operationId: 'none' }, aliases);
      await assert.rejects(move(), /got pick for scitos-g5@2, whose champion 1\.0\.0 cannot be read/);
      await champion(undefined);
      await assert.rejects(move(), /does not \(unlisted\)/);
      assert.equal((await readRobots(store)).get('r1')?.policy, 'wall');
    });
  });

  it('has a sibling that runs a gateway', () => {
    const program = new Command();
    registerGatewayCommand(program);
    assert.deepEqual(
      program.commands.map((command) => command.name()),
      ['gateway'],
    );
  });
});

/** Runs the command in this process, and gives what it printed as JSON. */
async function run(...words: readonly string[]): Promise<unknown> {
  const program = new Command().exitOverride();
  registerRobotCommands(program);
  const said: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text) => said.push(String(text)) > 0;
  try {
    await program.parseAsync(['robots', ...words, '--json'], { from: 'user' });
  } finally {
    process.stdout.write = write;
  }
  return JSON.parse(said.join(''));
}
