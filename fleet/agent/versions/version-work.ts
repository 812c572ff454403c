import { setTimeout as sleep } from 'node:timers/promises';

import { orAborted } from '../link/deadline.ts';
import { DownloadError } from './download.ts';
import type { FallBackPorts, FallBacks } from './fall-backs.ts';
import { isSame, type Slot } from './installation.ts';
import type { ModelFolder } from './model-folder.ts';
import { ModelRefusal } from './model-refusal.ts';
import { closeInBackground, type LoadedPolicy } from './policy-runtime.ts';

export interface WorkPorts extends Pick<FallBackPorts, 'file' | 'at'> {
  readonly models: ModelFolder;
  readonly fallBacks: FallBacks;
  readonly untilDone: (name: string, signal: AbortSignal, step: () => Promise<void>) => Promise<void>;
  readonly onChange: () => void;
  readonly log: (line: string) => void;
}

/** What takes long with versions (fetching, loading, trying out), one piece at a time, beside the loop that decides. */
export interface Work {
  /** Begins a piece of work for a version, or goes on with it if it has this name; another piece is ended first. */
  begin(slot: Slot, name: string, step: (signal: AbortSignal) => Promise<void>): void;
  /** Ends the piece of work unless it is for this version. */
  keepOnlyFor(slot: Slot): void;
  end(): void;
  /** Ends the piece of work and resolves when it is over, in bounded time. */
  ended(): Promise<void>;
  fetch(slot: Slot, signal: AbortSignal): Promise<void>;
  /** Loads a version for the first time, in such a way that the next process knows if this one dies of it. */
  tryOut(slot: Slot, signal: AbortSignal): Promise<LoadedPolicy>;
  /** Loads what is installed (or takes `atHand`, if it is that), or what it can fall back to; undefined when nothing loads. */
  loadInstalled(signal: AbortSignal, atHand?: LoadedPolicy): Promise<LoadedPolicy | undefined>;
}

interface Piece {
  readonly slot: Slot;
  readonly name: string;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Downloads in a row that fail before the fleet hears of it. */
const failuresUntilTold = 3;
/** A load that nothing can end is not waited for longer. */
const longestFarewellMs = 2_000;

export function createWork(ports: WorkPorts): Work {
  let piece: Piece | undefined;
  const failures = new Map<string, number>();

  function end(): void {
    const ended = piece;
    piece = undefined;
    ended?.stop.abort(new Error('overtaken by another choice'));
  }

  return {
    begin(slot, name, step) {
      if (piece !== undefined && piece.name === name && isSame(piece.slot, slot)) return;
      end();
      failures.clear();
      const stop = new AbortController();
      const { signal } = stop;
      const run = async (): Promise<void> => {
        await ports.untilDone(name, signal, () => step(signal));
        if (piece?.stop !== stop) return;
        piece = undefined;
        ports.onChange();
      };
      piece = { slot, name, stop, done: run() };
    },
    keepOnlyFor(slot) {
      if (piece !== undefined && !isSame(piece.slot, slot)) end();
    },
    end,
    async ended() {
      const last = piece?.done;
      end();
      if (last === undefined) return;
      const giveUp = new AbortController();
      await Promise.race([last, sleep(longestFarewellMs, undefined, { signal: giveUp.signal }).catch(() => undefined)]);
      giveUp.abort();
    },
    async fetch(slot, signal) {
      try {
        await ports.models.fetch(slot, signal);
        failures.delete(slot.sha256);
      } catch (cause) {
        if (cause instanceof DownloadError) await tell(slot, cause);
        throw cause;
      }
    },
    tryOut: (slot, signal) => tryOut(ports, slot, signal),
    loadInstalled: (signal, atHand) => loadInstalled(ports, signal, atHand),
  };

  /** A download that does not come on is told once; it goes on all the same. */
  async function tell(slot: Slot, cause: DownloadError): Promise<void> {
    const count = (failures.get(slot.sha256) ?? 0) + 1;
    failures.set(slot.sha256, count);
    if (count !== failuresUntilTold) return;
    const { order } = ports.file.state();
    const trialId = order !== null && order.model.sha256 === slot.sha256 ? order.trialId : null;
    await ports.fallBacks.report('refused', 'downloadFailed', { version: slot.version, trialId }, cause.message);
  }
}

async function tryOut({ file, at, models }: WorkPorts, slot: Slot, signal: AbortSignal): Promise<LoadedPolicy> {
  await file.change((state) => ({ ...state, trying: slot }));
  at('model.tried');
  try {
    const loading = models.load(slot, signal);
    return await orAborted(loading, signal, closeInBackground);
  } finally {
    await file.change((state) => ({ ...state, trying: isSame(state.trying, slot) ? null : state.trying }));
  }
}

/** Ends because every step leaves a version behind. */
async function loadInstalled(
  ports: WorkPorts,
  signal: AbortSignal,
  atHand: LoadedPolicy | undefined,
): Promise<LoadedPolicy | undefined> {
  const { file, models, fallBacks } = ports;
  for (let { current, trialId } = file.state(); current !== null; { current, trialId } = file.state()) {
    try {
      if (atHand !== undefined && !atHand.hasFailed() && isSame(atHand, current)) return atHand;
      return await models.load(current, signal);
    } catch (cause) {
      if (!(cause instanceof ModelRefusal)) throw cause;
      ports.log(`version ${current.version} does not load: ${cause.message}`);
      if (isDamage(cause)) await models.discard(current);
      if (await fallBacks.fallBack(cause.reason, cause.message, !isDamage(cause))) continue;
      await file.change((state) => ({ ...state, current: null, trialId: null, isLeased: false }));
      await fallBacks.report('fellBack', cause.reason, { version: current.version, trialId }, cause.message);
    }
  }
  return undefined;
}

/** What is on disk cannot be mended by trying it again: it has to be fetched anew. */
export const isDamage = ({ reason }: ModelRefusal): boolean => reason === 'wrongDigest' || reason === 'stateRecovered';
