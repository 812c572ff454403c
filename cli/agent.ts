import { fstatSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';

import type { Command } from 'commander';

import { childClipMaker } from '../fleet/agent/adapters/child-clip-maker.ts';
import { httpsFetch } from '../fleet/agent/adapters/https-fetch.ts';
import { isolatedPolicyRuntime } from '../fleet/agent/adapters/isolated-runtime.ts';
import { defaultLimits, openAgent, type Agent } from '../fleet/agent/index.ts';
import { createLineProtocol, mostLineBytes } from '../fleet/agent/line-protocol.ts';
import { boundedLines } from '../fleet/agent/local/bounded-lines.ts';
import { registerAgentBench } from './agent-bench.ts';
import { readRobotType } from './parse-robot-type.ts';
import { trustOf } from './read-trust.ts';
import { machineMonotonicMs } from './machine-clock.ts';

interface Options {
  readonly robot: string;
  readonly gateway: string;
  readonly dir: string;
  readonly robotType: string;
  readonly root?: string;
  readonly publicKey?: string;
  readonly tokenFile?: string;
  readonly quotaMib: string;
  readonly images?: string;
  readonly imageQuotaMib: string;
  readonly clipMibPerDay: string;
  readonly contactSeconds: string;
  readonly decideSeconds: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const needed: readonly string[] = ['--robot', '--gateway', '--dir'];

/** `flywheel agent`: a robot's agent as a process of its own; the robot's program talks to it by lines of JSON. */
export function registerAgentCommand(program: Command, { isDefault = false } = {}): void {
  const agent = program
    .command('agent', { isDefault })
    .description('run a robot’s agent; the robot’s program writes JSON lines to its standard input, see docs/agent.md')
    .option('--robot <id>', 'robot id, as in `robots add`')
    .option('--gateway <url>', 'gateway, e.g. https://gateway.example:8443')
    .option('--dir <folder>', 'folder used only by this robot: recordings, models, state')
    .option('--root <file>', 'the fleet’s root document, from `keys show --root`; the agent trusts only the keys in it')
    .option(
      '--public-key <file>',
      'instead of --root: PEM of a root key, or of the single key of an older installation',
    )
    .option('--robot-type <id@version|file>', 'a built-in robot type or a JSON document', 'scitos-g5@1')
    .option('--token-file <file>', 'file with the robot’s token; default: FLYWHEEL_ROBOT_TOKEN')
    .option('--ca <file>', 'PEM of the CA of the gateway’s certificate, if the system does not trust it')
    .option('--cert <file>', 'PEM of the robot’s certificate, for gateways that require one')
    .option('--key <file>', 'PEM of the key of --cert')
    .option('--quota-mib <number>', 'maximum disk space for recordings that wait for upload, MiB', '1024')
    .option(
      '--images <folder>',
      'folder in which the robot’s program leaves large images as files; the agent deletes them',
    )
    .option('--image-quota-mib <number>', 'maximum disk space for images and clips that wait for upload, MiB', '4096')
    .option('--clip-mib-per-day <number>', 'maximum upload of clips in a day (UTC), MiB; 0: none', '1335')
    .option(
      '--contact-seconds <seconds>',
      'how often it reports that it is online, and longest wait after a failed request; recordings are uploaded every tenth time',
      '60',
    )
    .option('--decide-seconds <seconds>', 'a policy that has not decided by then has failed', '1')
    .action(async (options: Options, command: Command) => {
      // Not required of commander: it would require them of `bench` too.
      for (const option of command.options)
        if (needed.includes(option.long ?? '') && options[option.attributeName() as keyof Options] === undefined)
          command.error(`error: required option '${option.flags}' not specified`);
      await runAgent(options);
    });
  registerAgentBench(agent);
}

/** The orderly end takes seconds; after this the process ends all the same. */
const longestFarewellMs = 30_000;

async function runAgent(options: Options): Promise<void> {
  const programGone = outputClosed();
  const robotType = await readRobotType(options.robotType);
  const limits = {
    ...defaultLimits,
    quotaBytes: mibOf('--quota-mib', options.quotaMib),
    imageQuotaBytes: mibOf('--image-quota-mib', options.imageQuotaMib),
    clipBytesPerDay: mibOf('--clip-mib-per-day', options.clipMibPerDay, 0),
    decideTimeoutMs: 1_000 * secondsOf('--decide-seconds', options.decideSeconds),
    ...contactEvery(1_000 * secondsOf('--contact-seconds', options.contactSeconds)),
  };
  const { maxImageBytes } = limits;
  const imageFolder = await folderOf(options.images);
  const lines = createLineProtocol((line) => process.stdout.write(`${line}\n`), {
    robotType,
    imageFolder,
    maxImageBytes,
  });
  const agent = await openAgent({
    robotId: options.robot,
    gatewayUrl: gatewayOf(options.gateway),
    token: await tokenOf(options.tokenFile),
    directory: options.dir,
    robotType,
    ...(await trustOf(options)),
    clock: Date.now,
    monotonic: machineMonotonicMs,
    runtime: isolatedPolicyRuntime(),
    clipMaker: childClipMaker(),
    onSafeStop: lines.onSafeStop,
    log: (line) => void process.stderr.write(`${line}\n`),
    limits,
    ...(await ownTls(options)),
  });
  process.stdout.write(`${JSON.stringify({ event: 'ready', version: agent.policy()?.version ?? null })}\n`);
  await Promise.race([endOfProcess(), programGone, obeyInput(agent, lines)]);
  process.stdin.destroy();
  await closeInTime(agent);
}

/** An agent whose robot's program is gone ends, whatever its disk or its models do: what it recorded is safe from the death of its process. */
async function closeInTime(agent: Agent): Promise<void> {
  const late = setTimeout(() => process.exit(1), longestFarewellMs);
  await agent.close();
  clearTimeout(late);
}

/**
 * Resolves when nobody reads what the agent says. Without a listener a closed pipe would end the process in the middle of its work, as a
 * crash of the version that runs.
 */
function outputClosed(): Promise<void> {
  process.stderr.on('error', () => undefined);
  return new Promise((resolve) => process.stdout.on('error', () => resolve()));
}

/** Whether somebody may write to this process: `/dev/null`, which services have, is nobody. */
function isProgramThere(): boolean {
  return process.stdin.isTTY || !fstatSync(0).isCharacterDevice();
}

/** Obeys the robot's program until its input ends; without a program at the other end the agent goes on by itself. */
async function obeyInput(agent: Agent, lines: ReturnType<typeof createLineProtocol>): Promise<void> {
  const isProgram = isProgramThere();
  for await (const line of boundedLines(process.stdin as AsyncIterable<Buffer>, mostLineBytes)) {
    if (line?.trim() === '') continue;
    if (line === undefined) {
      lines.tooLong();
      continue;
    }
    // What waits for the network or the disk must not hold up the answer to a safe stop.
    void lines.handle(agent, line);
  }
  if (!isProgram) await new Promise<never>(() => undefined);
}

async function ownTls({ gateway, ca, cert, key }: Options): Promise<{ fetch?: ReturnType<typeof httpsFetch> }> {
  if (ca === undefined && cert === undefined && key === undefined) return {};
  if (!gateway.startsWith('https:')) throw new Error(`--ca, --cert, --key: expected an https gateway, got ${gateway}`);
  if ((cert === undefined) !== (key === undefined)) throw new Error('expected --cert and --key together, got one');
  const files = Object.entries({ ca, cert, key }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const texts = await Promise.all(files.map(async ([name, file]) => [name, await readFile(file, 'utf8')] as const));
  return { fetch: httpsFetch(Object.fromEntries(texts)) };
}

const endOfProcess = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });

function gatewayOf(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new Error(`--gateway: expected an http or https address, got ${text}`);
}

async function tokenOf(file: string | undefined): Promise<string> {
  const token = file === undefined ? process.env['FLYWHEEL_ROBOT_TOKEN'] : (await readFile(file, 'utf8')).trim();
  if (token === undefined || token === '')
    throw new Error(
      'expected a token in --token-file or FLYWHEEL_ROBOT_TOKEN, got none; `flywheel robots add` prints it',
    );
  return token;
}

async function folderOf(folder: string | undefined): Promise<string | undefined> {
  if (folder === undefined) return undefined;
  const facts = await stat(folder).catch(() => undefined);
  if (facts?.isDirectory() === true) return path.resolve(folder);
  throw new Error(`--images: expected a folder, got ${folder}`);
}

/** Clips wait for their segment no longer than usual. */
const contactEvery = (longestMs: number) => ({
  onlineEveryMs: longestMs,
  rotateMs: 10 * longestMs,
  clipWaitMs: Math.min(defaultLimits.clipWaitMs, 10 * longestMs),
  backOff: { firstMs: Math.min(defaultLimits.backOff.firstMs, longestMs), longestMs },
});

function secondsOf(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0.1 && value <= 86_400) return value;
  throw new Error(`${option}: expected a number from 0.1 to 86400, got ${text}`);
}

function mibOf(option: string, text: string, least = 1): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= 1024 * 1024) return value * 1024 * 1024;
  throw new Error(`${option}: expected a whole number from ${least} to 1048576, got ${text}`);
}
