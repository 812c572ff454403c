import { readFileSync, writeFileSync } from 'node:fs';

import { InvalidArgumentError, type Command } from 'commander';

import {
  initKeys,
  publishRoot,
  revokeKey,
  rotateKey,
  rotateRoot,
  signDraft,
  upgradeKeys,
  type ChangeOutcome,
} from '../activities/adapters/key-changes.ts';
import { createRootKeyFile, readEnvelope, readKey, readOwnKey } from '../activities/adapters/key-folder.ts';
import { resignManifest } from '../activities/registry/resign-manifest.ts';
import { defaultPolicy } from '../activities/default-policy.ts';
import { currentOrderKey, currentReleaseKey, isRevoked, type Root } from '../domain/trust/root.ts';
import type { PublicKey } from '../domain/trust/signed.ts';
import { openDesk, publishRoots } from '../fleet/desk/index.ts';
import { nodeCrypto, publicKeyOfPem } from '../policies/signatures.ts';
import { openContext, openNewContext, sealingWith, type CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { openPolicy } from './open-policy.ts';
import { printJson, printTable, say } from './print.ts';

interface RootOptions {
  readonly rootKeys?: number;
  readonly threshold?: number;
  readonly rootPublicKey?: readonly string[];
}

/** `flywheel keys …`: who may sign models and orders. The only place where keys are made. Long because it lists every command. */
export function registerKeyCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('root, release and order keys of this installation; see docs/security.md');

  withRootOptions(keys.command('init').description('create the first keys of a new installation')).action(
    async (options: RootOptions) => {
      const context = await openNewContext();
      const directory = context.settings.keysDirectory;
      await conclude(context, initKeys(directory, { nowMs: context.clock(), ...rootChoice(options) }), 'refresh');
      say(`keys are in ${directory}; keep a copy somewhere safe, above all of the root keys`);
    },
  );

  keys
    .command('upgrade')
    .description('turn the single key of an older installation into its first root; from then on orders are signed')
    .action(async () => {
      const context = await openContext();
      await conclude(context, upgradeKeys(context.settings.keysDirectory, context.clock()), 'adopt');
      say('restart the workers of the fleet queue: from then on they sign orders');
    });

  keys
    .command('show')
    .description('show the valid keys, their expiry, and which private keys are on this machine')
    .option('--root', 'print the newest root document, for robots', false)
    .option('--json', 'as JSON', false)
    .action(async (options: { root: boolean; json: boolean }) => {
      const { settings, clock, keys: openKeys } = await openContext();
      const { roots, pinnedKey } = openKeys();
      const newest = roots().at(-1);
      if (newest === undefined) {
        if (options.root) throw new Error('expected a root document, got none: run `flywheel keys upgrade`');
        return say(
          `${settings.keysDirectory} holds one key of an older version, ${nodeCrypto.keyId(pinnedKey())}: see \`flywheel keys upgrade\``,
        );
      }
      if (options.root) return printJson(newest.envelope);
      if (options.json) return printJson(newest.root);
      printRoot(settings.keysDirectory, newest.root, clock());
    });

  withRootOptions(
    keys
      .command('rotate')
      .description('replace a key; signatures of the old one stay valid')
      .argument('<kind>', 'release, order or root', kindOf),
  ).action(async (kind: 'release' | 'order' | 'root', options: RootOptions) => {
    const context = await openContext();
    const directory = context.settings.keysDirectory;
    const nowMs = context.clock();
    const outcome =
      kind === 'root' ? rotateRoot(directory, { nowMs, ...rootChoice(options) }) : rotateKey(directory, kind, nowMs);
    await conclude(context, outcome, 'refresh');
  });

  keys
    .command('lost')
    .description('continue without the private part of a release or order key')
    .argument('<kind>', 'release or order', signingKindOf)
    .action(async (kind: 'release' | 'order') => {
      const context = await openContext();
      await conclude(context, rotateKey(context.settings.keysDirectory, kind, context.clock()), 'refresh');
    });

  keys
    .command('revoke')
    .description('revoke a release or order key that may be compromised')
    .argument('<key-id>', 'as `keys show` prints it')
    .requiredOption('--reason <text>', 'kept in the root document')
    .action(async (keyId: string, { reason }: { reason: string }) => {
      const context = await openContext();
      const { keysDirectory } = context.settings;
      const isRelease = context
        .keys()
        .roots()
        .at(-1)
        ?.root.releaseKeys.some((key) => key.keyId === keyId);
      await conclude(context, revokeKey(keysDirectory, keyId, reason, context.clock()), 'adopt');
      if (isRelease === true)
        say('robots no longer load versions that it signed; sign those you trust again with `flywheel keys resign`');
    });

  keys
    .command('root-key')
    .description('create a root key for `--root-public-key`, on the machine where it stays')
    .argument('<file>', 'new file for the private key; the public key goes to the standard output')
    .action((file: string) => say(createRootKeyFile(file).trim()));

  keys
    .command('sign-root')
    .description('add the signature of a root key to a draft, on any machine')
    .argument('<draft>', 'root-draft.json of the keys folder')
    .requiredOption('--key <file>', 'file of a private root key')
    .action((file: string, options: { key: string }) => {
      const signed = signDraft(readEnvelope(file), readOwnKey(options.key));
      writeFileSync(file, `${JSON.stringify(signed, undefined, 2)}\n`);
      say(
        `${file} has ${signed.signatures.length} signatures; bring it back and run \`flywheel keys publish ${file}\``,
      );
    });

  keys
    .command('publish')
    .description('publish a signed draft as the current root')
    .argument('<file>', 'a draft with enough signatures of root keys')
    .action(async (file: string) => {
      const context = await openContext();
      await conclude(context, publishRoot(context.settings.keysDirectory, readEnvelope(file)), 'adopt');
    });

  keys
    .command('adopt')
    .description('sign the current state of the assignment log, whoever wrote it; check the printed state')
    .option('--policy <name>', 'one policy; default: all')
    .action(async (options: { policy?: string }) => {
      const { policy } = options;
      const context = await (policy === undefined ? openContext() : openPolicy(policy));
      await signOrders(context, 'adopt', policy === undefined ? await policiesOf(context) : [policy]);
    });

  keys
    .command('resign')
    .description('sign a version again whose release key was revoked')
    .argument('<version>', 'like 1.2.3')
    .option('--policy <name>', 'policy', defaultPolicy)
    .requiredOption('--model-sha256 <digest>', 'of model.onnx, from a source that an attacker cannot write to')
    .action(async (version: string, { policy, modelSha256 }: { policy: string; modelSha256: string }) => {
      const context = await openPolicy(policy);
      await resignManifest({ store: context.store, signer: context.signer() })({ policy, version, modelSha256 });
      say(`${policy} ${version} is signed by release key ${context.signer().publicKeyId}`);
    });
}

const withRootOptions = (command: Command): Command =>
  command
    .option('--root-keys <number>', 'number of root keys to create here; default 1', countOf)
    .option('--threshold <number>', 'number of root keys that must sign; default: all', countOf)
    .option('--root-public-key <files...>', 'PEM files of root keys on other machines, instead of creating some here');

function rootChoice({ rootKeys, threshold, rootPublicKey = [] }: RootOptions) {
  const offlineRootKeys = rootPublicKey.map((file): PublicKey => {
    const publicKey = publicKeyOfPem(readFileSync(file, 'utf8'));
    return { publicKey, keyId: nodeCrypto.keyId(publicKey) };
  });
  return {
    offlineRootKeys,
    ...(rootKeys === undefined ? {} : { rootKeys }),
    ...(threshold === undefined ? {} : { threshold }),
  };
}

function countOf(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 16)
    throw new InvalidArgumentError('expected a whole number from 1 to 16');
  return value;
}

function kindOf(text: string): 'release' | 'order' | 'root' {
  return text === 'root' ? text : signingKindOf(text);
}

function signingKindOf(text: string): 'release' | 'order' {
  if (text === 'release' || text === 'order') return text;
  throw new InvalidArgumentError('expected release or order');
}

/** Says what became of a change, brings the root to the gateways, and signs what robots are ordered with the keys that count now. */
async function conclude(context: CommandContext, outcome: ChangeOutcome, how: 'refresh' | 'adopt'): Promise<void> {
  if (outcome.kind === 'draft') {
    say(
      `${outcome.missing}\nCarry ${outcome.file} to them: \`flywheel keys sign-root FILE --key KEY\`, then here \`flywheel keys publish FILE\`. Nothing changed until then.`,
    );
    process.exitCode = exitCodes.missing;
    return;
  }
  const { keysDirectory } = context.settings;
  await publishRoots(context.store, context.keys().roots());
  printRoot(keysDirectory, outcome.root, context.clock());
  await signOrders(context, how, await policiesOf(context));
}

async function signOrders(
  context: CommandContext,
  how: 'refresh' | 'adopt',
  policies: readonly string[],
): Promise<void> {
  const keys = context.keys();
  const root = keys.roots().at(-1)?.root;
  const orderKey = root === undefined ? undefined : currentOrderKey(root);
  if (orderKey === undefined || readKey(context.settings.keysDirectory, 'order', orderKey.keyId) === undefined)
    return say('the order key is not on this machine: the workers that have it sign the current orders');
  const { store, clock } = context;
  const desk = openDesk({ store, sealing: sealingWith(keys, clock) });
  for (const policy of policies) {
    const outcome = await (how === 'adopt' ? desk.adoptOrders(policy) : desk.refreshOrders(policy));
    if (outcome?.kind === 'sealed')
      say(
        `${policy}: orders of place ${outcome.seal.seq} are signed by key ${orderKey.keyId}: ${await desk.describeOrders(policy)}`,
      );
    if (outcome?.kind === 'unsealed') say(`${policy}: ${outcome.why}`);
  }
}

async function policiesOf({ store }: CommandContext): Promise<readonly string[]> {
  const policies: string[] = [];
  for await (const { key } of store.list('config/policies/')) {
    const policy = /^config\/policies\/([a-z0-9-]+)\.json$/.exec(key)?.[1];
    if (policy !== undefined) policies.push(policy);
  }
  return policies;
}

const soonMs = 60 * 24 * 3_600_000;

function printRoot(directory: string, root: Root, nowMs: number): void {
  const signing = [currentReleaseKey(root)?.keyId, currentOrderKey(root)?.keyId];
  const row = (kind: 'root' | 'release' | 'order', { keyId }: PublicKey, notAfterMs?: number): string[] => [
    keyId,
    kind,
    isRevoked(root, keyId) ? 'revoked' : kind === 'root' ? '' : signing.includes(keyId) ? 'signs' : 'signed',
    notAfterMs === undefined
      ? ''
      : `${new Date(notAfterMs).toISOString().slice(0, 10)}${notAfterMs - nowMs < soonMs ? ' soon' : ''}`,
    readKey(directory, kind, keyId) === undefined ? '' : 'here',
  ];
  say(`root ${root.version}: ${root.threshold} of ${root.rootKeys.length} root keys must sign the next one`);
  printTable(
    ['key', 'kind', 'state', 'until', 'private half'],
    [
      ...root.rootKeys.map((key) => row('root', key)),
      ...root.releaseKeys.map((key) => row('release', key, key.notAfterMs)),
      ...root.orderKeys.map((key) => row('order', key, key.notAfterMs)),
    ],
  );
}
