import { createHash } from 'node:crypto';

import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';
import { packCells, TaskNames, type Cells, type PackedCell, type PackedCells } from '../../domain/trial/index.ts';
import { jsonBytes, readJson, requireJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { trialKeys } from './trial-keys.ts';

const count = z.int().min(0);
const cellSchema = z.strictObject({
  block: count,
  successes: count,
  episodes: count,
  onlineMinutes: z.number().optional(),
  interventions: count.optional(),
  latencies: count.optional(),
  latencyLogSum: z.number().optional(),
  latencyLogSquares: z.number().optional(),
  safetyEvents: count.optional(),
  perTask: dictionarySchema(z.strictObject({ successes: count, episodes: count })).optional(),
});
const cellsSchema = dictionarySchema(dictionarySchema(z.array(cellSchema)));

/** What was read so far, and where the cells made of it lie. One object a generation; writing it is the commit. */
const manifestSchema = z.strictObject({
  /** Telemetry received before is read whole. */
  scanFromMs: z.number(),
  /** Objects since then that are read, by key. */
  consumed: z.array(z.string()),
  /** Sequence numbers taken, by `robot/boot`. */
  lives: dictionarySchema(z.array(z.int())),
  /** First and last moment each of them told of, real time. */
  spans: dictionarySchema(z.tuple([z.number(), z.number()])).default(() => dictionary<[number, number]>()),
  /** Blocks by robot in which two of its lives overlapped, `[first, last]`: what is in them is no evidence. */
  doubtful: dictionarySchema(z.array(z.tuple([z.int(), z.int()]))).default(() => dictionary<[number, number][]>()),
  /** Outcomes of the trial's versions of which nobody knows the time; in no cell. */
  undated: count.default(0),
  /** When a batch of each robot was last received. */
  heardMs: dictionarySchema(z.number()),
  /** Block of the newest entry of each robot. */
  newestBlocks: dictionarySchema(count).default(() => dictionary<number>()),
  /** Content-addressed parts by number; a part is {@link blocksPerPart} blocks of all robots. */
  parts: dictionarySchema(z.string()),
  /** Parts that the generation before had; they go with the next one. */
  replaced: z.array(z.string()),
  entries: count,
  /** Telemetry objects that could not be read, or not whole. */
  damaged: z.array(z.string()).default([]),
});
export type CellManifest = z.infer<typeof manifestSchema>;

/** Blocks of one part: an hour. */
export const blocksPerPart = 12;
/** Parts kept in memory: a week of hours. */
const rememberedParts = 400;
/** Names of tasks that parts share; catalogues of some dozens of policies. Robots of a trial without a catalogue could make them up. */
const rememberedNames = 50_000;
const keptGenerations = 3;

/** The cells of trials, in parts that change only when outcomes of their hour come. Parts are immutable: keep, never change. */
export class CellStore {
  readonly #store: ObjectStore;
  readonly #parts = new Map<string, PackedCells>();
  #names = new TaskNames();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  manifest(trialId: string, generation: number): Promise<CellManifest> {
    const hint = `generation ${generation} of the cells was never written`;
    return requireJson(this.#store, trialKeys.cells(trialId, generation), manifestSchema, hint);
  }

  findManifest(trialId: string, generation: number): Promise<CellManifest | undefined> {
    return readJson(this.#store, trialKeys.cells(trialId, generation), manifestSchema);
  }

  async part(key: string): Promise<PackedCells> {
    const known = this.#parts.get(key);
    if (known !== undefined) return known;
    const cells = await requireJson(this.#store, key, cellsSchema, 'a part of the cells is gone');
    return this.#remember(key, cells as Cells);
  }

  /** Takes the cells over: the caller does not use them any more. */
  async putPart(trialId: string, cells: Cells): Promise<string> {
    const bytes = new TextEncoder().encode(JSON.stringify(cells));
    const key = trialKeys.cellPart(trialId, createHash('sha256').update(bytes).digest('hex'));
    await this.#store.putIfAbsent(key, bytes);
    this.#remember(key, cells);
    return key;
  }

  /** Makes the next generation; false when another attempt made it first. Old generations and parts nobody names any more go. */
  async commit(trialId: string, generation: number, next: CellManifest, before?: CellManifest): Promise<boolean> {
    const key = trialKeys.cells(trialId, generation);
    if ((await this.#store.putIfAbsent(key, jsonBytes(next))) === 'exists') return false;
    const named = new Set([...Object.values(next.parts), ...next.replaced]);
    for (const part of before?.replaced ?? []) if (!named.has(part)) await this.#store.delete(part);
    if (generation >= keptGenerations) await this.#store.delete(trialKeys.cells(trialId, generation - keptGenerations));
    return true;
  }

  /** The cells of every robot and version, all parts together. */
  async all(manifest: CellManifest): Promise<(robotId: string, version: string) => readonly PackedCell[]> {
    const byRobot = new Map<string, PackedCell[]>();
    for (const key of Object.values(manifest.parts))
      for (const [robotId, versions] of Object.entries(await this.part(key)))
        for (const [version, cells] of Object.entries(versions)) {
          const name = `${robotId} ${version}`;
          const list = byRobot.get(name);
          if (list === undefined) byRobot.set(name, [...cells]);
          else for (const cell of cells) list.push(cell);
        }
    return (robotId, version) => byRobot.get(`${robotId} ${version}`) ?? [];
  }

  #remember(key: string, given: Cells): PackedCells {
    if (this.#names.list.length > rememberedNames) this.#names = new TaskNames();
    const cells = packCells(given, this.#names);
    if (this.#parts.size >= rememberedParts) this.#parts.delete(this.#parts.keys().next().value ?? '');
    this.#parts.set(key, cells);
    return cells;
  }
}
