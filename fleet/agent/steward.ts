import type { DesiredAnswer } from '../protocol/index.ts';
import { chooseVersion, slotOf, type VersionChoice } from './choose-version.ts';
import { createFallBacks, type FallBackPorts } from './fall-backs.ts';
import { inThisBoot, isBlocked, isCrashLooping, isSame, switched, withDeath, type Slot } from './installation.ts';
import type { ModelFolder } from './model-folder.ts';
import { ModelRefusal } from './model-refusal.ts';
import type { LoadedPolicy } from './policy-runtime.ts';
import { elapsedSince, type MachineMoment } from './times.ts';
import { createQueue } from './waiting.ts';

/** What acts now. */
export interface ActivePolicy extends LoadedPolicy {
  readonly trialId: string | null;
}

export interface StewardPorts extends FallBackPorts {
  readonly models: ModelFolder;
  readonly contactlessMs: () => number;
  /** True while the robot may be switched without harm. */
  readonly isIdle: () => boolean;
  /** Brings the robot to a stop and ends its episode as aborted; resolves in bounded time. */
  readonly stopSafely: () => Promise<void>;
  /** Called before another version acts. */
  readonly beforeSwitch: () => Promise<void>;
  readonly log: (line: string) => void;
}

/** Keeps the robot on the version it should run. */
export interface Steward {
  readonly active: () => ActivePolicy | undefined;
  /** Puts right what a dead process left and loads the installed version, or what it can fall back to. */
  start(): Promise<void>;
  /** Takes an order, with its lease in one step where it has one; `reconcile` obeys it. */
  order(order: DesiredAnswer, leaseRemainingMs?: number): Promise<void>;
  leaseRenewed(remainingMs: number): Promise<void>;
  /** Goes one step towards what should run: fetch, check, load, switch. `GatewayError` when that needs a gateway that does not answer. */
  reconcile(): Promise<void>;
  /** Makes a switch that waits for the robot to be idle. */
  switchIfReady(): Promise<void>;
  stop(): Promise<void>;
}

interface Prepared {
  readonly choice: VersionChoice;
  readonly loaded: LoadedPolicy;
}

/** Long because one story is told here: every way to a version and back. */
export function createSteward(ports: StewardPorts): Steward {
  const { file, models, now, at } = ports;
  let active: ActivePolicy | undefined;
  let retired: LoadedPolicy | undefined;
  let prepared: Prepared | undefined;
  const oneSwitch = createQueue();
  /** End of the lease as the disk has it: a process that starts again may rely on that much. */
  let keptLeaseEndsMs = Number.NEGATIVE_INFINITY;

  const leaseEnding = (remainingMs: number): MachineMoment => {
    const { machineBootId, monotonicMs } = now();
    return { machineBootId, monotonicMs: monotonicMs + remainingMs };
  };

  const isLeaseAlive = (): boolean => {
    const { leaseEnds } = file.state();
    return leaseEnds !== null && (elapsedSince(leaseEnds, now()) ?? 0) < 0;
  };

  const choose = (): VersionChoice | undefined => {
    const state = file.state();
    return chooseVersion({
      ...state,
      isLeaseAlive: isLeaseAlive(),
      contactlessMs: ports.contactlessMs(),
      isBlocked: (version, trialId) => isBlocked(state, version, trialId, now()),
    });
  };

  const isDone = (choice: VersionChoice): boolean =>
    isSame(choice.slot, file.state().current) && isSame(choice.slot, active ?? null);

  const { report, blame, fallBack } = createFallBacks(ports);

  /** Loads what is installed, or what it can fall back to; ends because every step leaves a version behind. */
  async function loadInstalled(): Promise<void> {
    for (let { current, trialId } = file.state(); current !== null; { current, trialId } = file.state()) {
      try {
        active = { ...(await models.load(current)), trialId };
        return;
      } catch (cause) {
        if (!(cause instanceof ModelRefusal)) throw cause;
        ports.log(`version ${current.version} does not load: ${cause.message}`);
        if (isDamage(cause)) await models.discard(current);
        if (await fallBack(cause.reason, cause.message, !isDamage(cause))) continue;
        await file.change((state) => ({ ...state, current: null, trialId: null, isLeased: false }));
        await report('fellBack', cause.reason, { version: current.version, trialId }, cause.message);
      }
    }
  }

  async function refuse(choice: VersionChoice, refusal: ModelRefusal): Promise<void> {
    const { slot, trialId } = choice;
    ports.log(`version ${slot.version} refused: ${refusal.message}`);
    if (isDamage(refusal)) await models.discard(slot);
    await blame(slot, trialId, refusal.reason, refusal.reason === 'selfTestFailed' || refusal.reason === 'crashLoop');
    await report('refused', refusal.reason, { version: slot.version, trialId }, refusal.message);
  }

  /** Loads a version for the first time, in such a way that the next process knows if this one dies of it. */
  async function tryOut(slot: Slot): Promise<LoadedPolicy> {
    await file.change((state) => ({ ...state, trying: slot }));
    at('model.tried');
    try {
      return await models.load(slot);
    } finally {
      await file.change((state) => ({ ...state, trying: null }));
    }
  }

  async function prepare(choice: VersionChoice): Promise<Prepared | undefined> {
    if (prepared !== undefined && isSame(prepared.choice.slot, choice.slot)) {
      prepared = { ...prepared, choice };
      return prepared;
    }
    const outdated = prepared;
    prepared = undefined;
    await outdated?.loaded.close();
    try {
      const { order } = file.state();
      // A candidate may run only where the way back to the champion is on the disk.
      if (choice.isLeased && order !== null) await models.fetch(slotOf(order.policy, order.champion));
      await models.fetch(choice.slot);
      prepared = { choice, loaded: await tryOut(choice.slot) };
      return prepared;
    } catch (cause) {
      if (!(cause instanceof ModelRefusal)) throw cause;
      await refuse(choice, cause);
      return undefined;
    }
  }

  async function commit({ choice, loaded }: Prepared): Promise<void> {
    if (isDone(choice)) return;
    const { slot, reason, trialId, isLeased, orderSeq, urgency } = choice;
    const { current: left, trialId: leftTrialId, orderSeq: lastSeq } = file.state();
    const isPlainOrder = reason === 'ordered' && urgency === 'whenIdle';
    if (!isSame(slot, left))
      await file.change((state) =>
        switched(state, { slot, trialId, isLeased, orderSeq: orderSeq ?? lastSeq, isPlainOrder }),
      );
    at('state.switched');
    await ports.beforeSwitch();
    if (!ports.isIdle()) return;
    await retired?.close();
    retired = active;
    active = { ...loaded, trialId };
    prepared = undefined;
    const from = left === null || isSame(slot, left) ? undefined : { version: left.version, trialId: leftTrialId };
    if (reason === 'ordered') await report('installed', reason, from && { ...from, trialId }, '');
    else await report('fellBack', reason, from, '');
  }

  /** The version is right; the trial, the lease or the number of the order may be new. */
  async function followOrder({ trialId, isLeased, orderSeq }: VersionChoice): Promise<void> {
    const state = file.state();
    const isNewTrial = state.trialId !== trialId;
    if (!isNewTrial && state.isLeased === isLeased && (orderSeq === null || state.orderSeq === orderSeq)) return;
    await file.change((state) => ({ ...state, trialId, isLeased, orderSeq: orderSeq ?? state.orderSeq }));
    if (active !== undefined) active = { ...active, trialId };
    if (isNewTrial) await report('installed', 'ordered', undefined, '');
  }

  /** Fetches the safe fallback, and lets go of versions that nothing refers to. */
  async function tidy(): Promise<void> {
    const { order, current, previous, baseline } = file.state();
    const wanted = order?.baseline == null ? null : slotOf(order.policy, order.baseline);
    const isNew = wanted !== null && !isSame(wanted, baseline);
    if (isNew && !isBlocked(file.state(), wanted.version, null, now())) {
      try {
        await models.fetch(wanted);
        await (await tryOut(wanted)).close();
        await file.change((state) => ({
          ...state,
          baseline: wanted,
          previous: state.previous ?? (isSame(wanted, state.current) ? null : wanted),
        }));
      } catch (cause) {
        if (!(cause instanceof ModelRefusal)) throw cause;
        await refuse(
          { slot: wanted, reason: 'ordered', urgency: 'whenIdle', trialId: null, isLeased: false, orderSeq: null },
          cause,
        );
      }
    }
    const ordered = order === null ? [] : [order.model, order.champion].map((each) => slotOf(order.policy, each));
    const slots = [current, previous, baseline, file.state().baseline, active ?? null, ...ordered];
    await models.keepOnly(slots.filter((slot) => slot !== null));
  }

  return {
    active: () => active,
    async start() {
      await file.change((state) => inThisBoot(withDeath(state, now()), now()));
      const { trying, current, order } = file.state();
      await file.change((state) => ({ ...state, life: now(), trying: null }));
      if (trying !== null && !isSame(trying, current) && isCrashLooping(file.state(), trying.version)) {
        const trialId = order?.model.version === trying.version ? order.trialId : null;
        await blame(trying, trialId, 'crashLoop', true);
        await report('refused', 'crashLoop', { version: trying.version, trialId }, 'the agent died while loading it');
      }
      if (current !== null && isCrashLooping(file.state(), current.version))
        await fallBack('crashLoop', 'the agent died three times in five minutes', true);
      await loadInstalled();
    },
    async order(order, leaseRemainingMs) {
      const leaseEnds = leaseRemainingMs === undefined ? undefined : leaseEnding(leaseRemainingMs);
      if (leaseEnds !== undefined) keptLeaseEndsMs = leaseEnds.monotonicMs;
      await file.change((state) => ({
        ...state,
        order,
        policy: order.policy,
        ...(leaseEnds === undefined ? {} : { leaseEnds }),
      }));
    },
    async leaseRenewed(remainingMs) {
      const leaseEnds = leaseEnding(remainingMs);
      const isDue = keptLeaseEndsMs < now().monotonicMs + remainingMs / 2;
      file.remember((state) => ({ ...state, leaseEnds }));
      if (!isDue) return;
      keptLeaseEndsMs = leaseEnds.monotonicMs;
      await file.change((state) => state);
    },
    async reconcile() {
      const choice = choose();
      if (choice !== undefined && isDone(choice)) await followOrder(choice);
      else if (choice !== undefined) {
        const ready = await prepare(choice);
        if (ready === undefined) return;
        if (!ports.isIdle()) {
          if (choice.urgency !== 'safeStop') return;
          await ports.stopSafely();
        }
        await oneSwitch(() => commit(ready));
        if (choice.urgency === 'safeStop' && !isDone(choice)) return;
      }
      await tidy();
    },
    switchIfReady: () =>
      oneSwitch(async () => {
        const choice = choose();
        if (prepared === undefined || choice === undefined || !ports.isIdle()) return;
        if (isSame(choice.slot, prepared.choice.slot)) await commit({ ...prepared, choice });
      }),
    async stop() {
      await file.change((state) => ({ ...state, life: null }));
      for (const policy of [active, retired, prepared?.loaded]) await policy?.close();
    },
  };
}

/** What is on disk cannot be mended by trying it again: it has to be fetched anew. */
const isDamage = ({ reason }: ModelRefusal): boolean => reason === 'wrongDigest' || reason === 'stateRecovered';
