import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import type { CollectionSummary } from '../../../activities/collection/summary.ts';
import { segmentJudgeProcess } from '../../../activities/adapters/judge-process.ts';
import { footerMetadata } from '../../../datasets/segment-footer.ts';
import type { SegmentRow } from '../../../datasets/segment-row.ts';
import { landingKey } from '../../../datasets/landing.ts';
import { randomFromSeed, type Random } from '../../../domain/statistics/index.ts';
import { CollectionWorld, footerOf, generatedEpisodes, nowMs } from '../../activities/collection/collection-fixture.ts';
import { episodeSql } from '../../activities/collection/segment-sql.ts';
import { byteKinds, mutate, writeHostile } from './hostile-files.ts';

/** What an attacker of this project is given. `count`: hostile segments in all; `report` hears of each round. */
export interface AttackInput {
  readonly seed: string;
  readonly count: number;
  readonly report: (line: string) => void;
}

const hostileRobot = 'hostile-001';
const perRound = 500;
/** One in so many is made by SQL, the others by changing bytes. */
const madeBySqlEvery = 8;
const engineMiB = 512;
/** The worker holds one batch and the engine's memory; the judging process as much and its own. Both MiB, measured as peaks. */
const mostWorkerMiB = 1536;
const mostJudgeMiB = engineMiB + 1024 + 256;
/** A record or decision, whatever was refused; bytes. */
const mostDocumentBytes = 64 * 1024 * 1024;

/**
 * Lands hostile segments beside honest ones and runs the real collection over them, round after round, in one growing lake. Throws
 * unless every collection ends, every honest frame is in the lake exactly once with its values, landing is empty, documents are
 * small and the processes stayed within their memory. The lake is checked by reading its log and files directly.
 */
export async function attack({ seed, count, report }: AttackInput): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'flywheel-attack-files-'));
  await mkdir(join(directory, 'store'));
  const world = await CollectionWorld.open(fileObjectStore({ root: join(directory, 'store'), nowMs: () => nowMs }));
  try {
    const random = randomFromSeed(seed);
    const honest = new Map<string, SegmentRow>();
    for (let done = 0, round = 0; done < count; done += perRound, round++) {
      const hostile = Math.min(perRound, count - done);
      await landHonest(world, round, honest);
      await landHostile(world, hostile, random);
      const judge = segmentJudgeProcess({
        temporaryDirectory: world.ports.scratchDirectory,
        threads: 1,
        memoryLimitMiB: engineMiB,
      });
      const started = performance.now();
      const { result, summary } = await world.collect(`round-${round}`, { ports: { ...world.ports, judge } });
      const judgeMiB = peakOfChildren();
      await checkRound(world, directory, honest, round, summary.waiting);
      const workerMiB = Math.round(process.resourceUsage().maxRSS / 1024);
      assert.ok(workerMiB <= mostWorkerMiB, `expected a worker of at most ${mostWorkerMiB} MiB, got ${workerMiB}`);
      assert.ok(judgeMiB <= mostJudgeMiB, `expected a judge of at most ${mostJudgeMiB} MiB, got ${judgeMiB}`);
      report(
        `round ${round}: ${hostile} hostile, ${result.quarantinedSegments} quarantined, ${result.quarantinedEpisodes} episodes, ` +
          `${Math.round(performance.now() - started)} ms, worker ${workerMiB} MiB, judge ${judgeMiB} MiB`,
      );
    }
  } finally {
    await world.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function landHonest(world: CollectionWorld, round: number, honest: Map<string, SegmentRow>): Promise<void> {
  for (const [robotId, episodes] of generatedEpisodes(1000 + round, 2, 2)) {
    await world.land(robotId, episodes.flat());
    for (const row of episodes.flat()) honest.set(`${row.episode_id}/${row.frame_index}`, row);
  }
}

async function landHostile(world: CollectionWorld, count: number, random: Random): Promise<void> {
  const session = await world.ports.engine.open({ threads: 1 });
  const metadata = Object.entries(footerMetadata(footerOf(hostileRobot)))
    .map(([key, value]) => `'${key}': '${value}'`)
    .join(', ');
  const sound = episodeSql(hostileRobot);
  const bases: Uint8Array[] = [];
  for (const [index, codec] of ['zstd', 'uncompressed', 'snappy'].entries()) {
    const path = join(world.directory, `base-${index}.parquet`);
    await session.run(`COPY (${sound}) TO '${path}' (FORMAT parquet, COMPRESSION ${codec}, KV_METADATA {${metadata}})`);
    bases.push(Uint8Array.from(await readFile(path)));
  }
  const [robotId, episodes] = [...generatedEpisodes(5, 1, 2)][0]!;
  const key = await world.land(
    hostileRobot,
    episodes.flat().map((row) => ({ ...row, robot_id: hostileRobot })),
  );
  assert.ok(robotId !== hostileRobot);
  bases.push((await world.ports.store.get(key))!);
  await world.ports.store.delete(key);
  for (let made = 0; made < count; made++) {
    const bytes =
      made % madeBySqlEvery === 0
        ? await bySql(world, session, { sound, metadata, random })
        : mutate(
            byteKinds[Math.floor(random() * byteKinds.length)]!,
            bases[Math.floor(random() * bases.length)]!,
            random,
          );
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await world.ports.store.put(landingKey(hostileRobot, sha256), bytes);
  }
  await session.close();
}

async function bySql(
  world: CollectionWorld,
  session: Parameters<typeof writeHostile>[0],
  input: { readonly sound: string; readonly metadata: string; readonly random: Random },
): Promise<Uint8Array> {
  const path = join(world.directory, 'hostile.parquet');
  return (await writeHostile(session, { ...input, path })) ? readFile(path) : new Uint8Array([1, 2, 3]);
}

/** Reads the lake without our code: the log's lines say which files there are, the engine reads those. */
async function checkRound(
  world: CollectionWorld,
  directory: string,
  honest: ReadonlyMap<string, SegmentRow>,
  round: number,
  waiting: CollectionSummary['waiting'],
): Promise<void> {
  // A footer may be changed into that of a version of the robot type which nobody has published: such a file waits for it, and is counted.
  const left: string[] = [];
  for await (const { key } of world.ports.store.list('landing/')) left.push(key);
  const counted = waiting.reduce((sum, { segments }) => sum + segments, 0);
  assert.equal(left.length, counted, `landing holds what the summary says waits, and nothing else: ${left.join(', ')}`);
  assert.ok(waiting.every(({ reason }) => reason === 'otherType'));
  for (const prefix of [`quarantine/round-${round}/`, `collections/round-${round}/`]) {
    for await (const { key, sizeBytes } of world.ports.store.list(prefix)) {
      assert.ok(!key.endsWith('.json') || sizeBytes < mostDocumentBytes, `${key} has ${sizeBytes} bytes`);
    }
  }
  const root = join(directory, 'store', 'lake', 'frames');
  const files: string[] = [];
  for await (const { key } of world.ports.store.list('lake/frames/_delta_log/')) {
    if (!/\d{20}\.json$/.test(key)) continue;
    for (const line of readFileSync(join(directory, 'store', key), 'utf8').split('\n')) {
      const add = line === '' ? undefined : (JSON.parse(line) as { add?: { path: string } }).add;
      if (add !== undefined) files.push(`'${join(root, decodeURIComponent(add.path))}'`);
    }
  }
  const session = await world.ports.engine.open();
  const rows = await session.rows(
    `SELECT episode_id || '/' || frame_index AS frame, observation[1] AS first FROM read_parquet([${files.join(', ')}])`,
  );
  await session.close();
  const seen = new Map<string, number>();
  for (const { frame: name, first } of rows) {
    const frame = name as string;
    const row = honest.get(frame);
    if (row === undefined) continue;
    assert.equal(first, Math.fround(row.observation[0]!), frame);
    seen.set(frame, (seen.get(frame) ?? 0) + 1);
  }
  assert.equal(seen.size, honest.size, 'every honest frame is in the lake');
  assert.ok(
    [...seen.values()].every((times) => times === 1),
    'every honest frame is there once',
  );
}

/** Highest peak of the memory of this process's children, MiB; 0 where the system does not tell. */
function peakOfChildren(): number {
  try {
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
    const peaks = children.map((pid) => /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
    return Math.round(Math.max(0, ...peaks.map((peak) => Number(peak ?? 0))) / 1024);
  } catch {
    return 0;
  }
}
