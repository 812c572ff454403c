import { randomBytes } from 'node:crypto';

import type { Command } from 'commander';

import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { scopeText, type DataScope } from '../domain/legal-hold.ts';
import {
  episodeHash,
  readErasureRequest,
  writeErasureRequest,
  type ErasureRequest,
} from '../store/records/erasures.ts';
import type { readLateSweeps } from '../activities/erasure/sweep-late-telemetry.ts';
import { openContext, withClient, type CommandContext } from './context.ts';
import { episodesOfFile } from './data-hold.ts';
import { CommandError } from './exit-codes.ts';
import { whoOption } from './person.ts';
import { printJson, printTable, say } from './print.ts';

interface EraseOptions {
  readonly robot?: string;
  readonly site?: string;
  readonly episodes?: string;
  readonly who: string;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly follow: boolean;
  readonly json: boolean;
}

/** `flywheel data erase`: takes data of a robot, a site or a list of episodes out of everything, for good. */
export function registerEraseCommands(data: Command): void {
  whoOption(
    data
      .command('erase')
      .description(
        'erase the data of a robot, a site or a list of episodes permanently, everywhere; refused if a legal hold covers it',
      )
      .option('--robot <id>', 'all data that a robot has recorded until now')
      .option('--site <name>', 'all data recorded at a site until now')
      .option('--episodes <file>', 'text file with one episode id per line')
      .requiredOption('--reason <text>', 'why; kept with the request')
      .option('--dry-run', 'change nothing, only show what would be erased', false)
      .option('--follow', 'wait for the certificate', false)
      .option('--json', 'as JSON', false),
  ).action(erase);

  data
    .command('erasures')
    .description('list erasure requests, who made them and whether each has its certificate')
    .option('--json', 'as JSON', false)
    .action(list);
}

async function erase(options: EraseOptions): Promise<void> {
  const { target, ids } = await targetOf(options);
  const context = await openContext();
  const atMs = context.clock();
  const erasureId = `erase-${new Date(atMs).toISOString().replaceAll(/\D/g, '')}-${randomBytes(4).toString('hex')}`;
  const { who, reason: why, json } = options;
  const request = { erasureId, target, recordedBeforeMs: atMs, who, why, atMs };
  const { refuseHeld } = await import('../activities/erasure/refuse-held.ts');
  const listed = new Set(ids.map(episodeHash));
  await refuseHeld(context, request, listed);
  if (options.dryRun) return dryRun(context, request, listed, json);
  await writeErasureRequest(context.store, request, ids);
  const { failedAs, orchestrationQueue } = await import('../acts/ask-workflow.ts');
  await withClient(context.settings, async (client) => {
    const handle = await client.workflow.start('eraseData', {
      workflowId: workflowIds.eraseData(erasureId),
      taskQueue: orchestrationQueue(context.settings),
      args: [{ erasureId }],
      staticSummary: `erasure of ${scopeText(target)}`.slice(0, 200),
    });
    if (!options.follow) return json ? printJson({ erasureId }) : say(`${handle.workflowId} is started`);
    try {
      const certificate: unknown = await handle.result();
      if (json) printJson(certificate);
      else say(`${erasureId} is complete, with the certificate erasures/${erasureId}/certificate.json`);
    } catch (error) {
      throw error instanceof Error ? failedAs(error) : error;
    }
  });
}

async function dryRun(
  context: CommandContext,
  request: ErasureRequest,
  listed: ReadonlySet<string>,
  json: boolean,
): Promise<void> {
  const { search } = await import('../activities/erasure/find-erased.ts');
  const { hashes, ...found } = await search(context, request, listed, 1);
  if (json) return printJson({ distinctEpisodes: hashes.size, ...found });
  const entries = found.telemetry.reduce((sum, one) => sum + one.entries, 0);
  printTable(
    ['would be erased', 'count'],
    [
      ['episodes in the lake', found.episodes],
      ['frames in the lake', found.frames],
      ['files of the lake rewritten or deleted', found.lakeFiles.length],
      ['segments in landing/, quarantine/ and removed/', found.segments.length],
      ['telemetry entries', entries],
      ['files of training and held-out sets', found.sets.length],
      ['documents that name episodes', found.texts.length],
      ['unreadable segments, which stay', found.unreadable.length],
    ],
  );
}

async function targetOf({
  robot,
  site,
  episodes,
}: EraseOptions): Promise<{ target: DataScope; ids: readonly string[] }> {
  const named = [robot, site, episodes].filter((one) => one !== undefined);
  if (named.length !== 1)
    throw new CommandError('wrong', `expected one of --robot, --site and --episodes, got ${named.length}`);
  if (robot !== undefined) return { target: { kind: 'robot', robotId: robot }, ids: [] };
  if (site !== undefined) return { target: { kind: 'site', site }, ids: [] };
  const ids = await episodesOfFile(episodes ?? '');
  // The list is kept as digests with the request: nothing has to be looked up by the digest of the list itself.
  return { target: { kind: 'episodes', digest: episodeHash(ids.join('\n')), count: ids.length }, ids };
}

async function list({ json }: { readonly json: boolean }): Promise<void> {
  const { store } = await openContext();
  const { certificateDocument } = await import('../activities/erasure/certify-erasure.ts');
  const { readLateSweeps } = await import('../activities/erasure/sweep-late-telemetry.ts');
  const sweeps = await readLateSweeps(store);
  const rows: { request: ErasureRequest; certificate: unknown; finishedMs: number | null; late: LateState | null }[] =
    [];
  for await (const { key } of store.list('erasures/')) {
    const erasureId = /^erasures\/([^/]+)\/request\.json$/.exec(key)?.[1];
    if (erasureId === undefined) continue;
    const signed = await certificateDocument(store, erasureId).read();
    const finishedMs = signed?.certificate.finishedMs ?? null;
    const late = sweeps.get(erasureId) ?? null;
    rows.push({ request: await readErasureRequest(store, erasureId), certificate: signed ?? null, finishedMs, late });
  }
  if (json) return printJson(rows);
  printTable(
    ['erasure', 'data', 'who', 'why', 'signed off', 'late telemetry'],
    rows.map(({ request, finishedMs, late }) => [
      request.erasureId,
      scopeText(request.target),
      request.who,
      request.why,
      finishedMs === null ? 'not yet' : new Date(finishedMs).toISOString(),
      late === null
        ? 'not yet looked for'
        : `${late.entries} entries erased, received before ${isoMinute(late.throughMs)}`,
    ]),
  );
}

type LateState = NonNullable<ReturnType<Awaited<ReturnType<typeof readLateSweeps>>['get']>>;
const isoMinute = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16)}Z`;
