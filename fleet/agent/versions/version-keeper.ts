import type { DesiredAnswer, UpdateWindow } from '../../protocol/index.ts';
import { slotOf, type VersionChoice } from './choose-version.ts';
import { createFallBacks } from './fall-backs.ts';
import {
  inThisBoot,
  isBlocked,
  isCrashLooping,
  isSame,
  moved,
  ofThisClock,
  withDeath,
  type Slot,
} from './installation.ts';
import {
  choose,
  isDone,
  mayRunInstalled,
  type ActivePolicy,
  type Keeper,
  type VersionKeeperPorts,
} from './keeper-state.ts';
import { leaveFailed, takeRefuge } from './leave-version.ts';
import { ModelRefusal } from './model-refusal.ts';
import { closeInBackground } from './policy-runtime.ts';
import { followOrder, readyFor, switchIfReady, switchTo } from './switch-version.ts';
import type { MachineMoment } from '../local/times.ts';
import { takeWindow } from './update-window.ts';
import { createWork, isDamage } from './version-work.ts';
import { createQueue } from '../local/waiting.ts';

/**
 * Keeps the robot on the version it should run. `reconcile` never waits for a download, a load or a self-test: these run beside
 * it, one piece of work at a time, and a choice that overtakes them ends them.
 */
export interface VersionKeeper {
  readonly active: () => ActivePolicy | undefined;
  /** Puts right what a dead process left and loads the installed version, or what it can fall back to. */
  start(): Promise<void>;
  /** Takes an order, with its lease in one step where it has one; `reconcile` obeys it. */
  order(order: DesiredAnswer, leaseRemainingMs?: number): Promise<void>;
  leaseRenewed(remainingMs: number): Promise<void>;
  /** Takes what was said of the site's update windows; undefined: nothing. Before the order that it came with. */
  windowTold(told: UpdateWindow | undefined): Promise<void>;
  /** Goes one step towards what should run: begins to fetch and load it, or switches to it when it is ready. */
  reconcile(): Promise<void>;
  /** Makes a switch that waits for the robot to be idle. */
  switchIfReady(): Promise<void>;
  /** The acting policy has failed: the robot stops safely and goes back to what ran before. */
  failed(slot: Slot, detail: string): Promise<void>;
  /** Ends what runs beside, in bounded time, and lets go of every model; leaves no mark on the disk. */
  release(): Promise<void>;
  /** Marks an orderly end. */
  stop(): Promise<void>;
}

export function createVersionKeeper(ports: VersionKeeperPorts): VersionKeeper {
  const fallBacks = createFallBacks(ports);
  const keeper: Keeper = {
    ports,
    fallBacks,
    work: createWork({ ...ports, fallBacks }),
    oneSwitch: createQueue(),
    active: undefined,
    standby: undefined,
    prepared: undefined,
    leaving: undefined,
    refugeSeq: undefined,
    keptLeaseEndsMs: Number.NEGATIVE_INFINITY,
  };
  return {
    active: () => keeper.active,
    start: () => start(keeper),
    order: (order, leaseRemainingMs) => takeOrder(keeper, order, leaseRemainingMs),
    leaseRenewed: (remainingMs) => renewLease(keeper, remainingMs),
    windowTold: (told) => takeWindow(keeper, told),
    reconcile: () => reconcile(keeper),
    switchIfReady: () => keeper.oneSwitch(() => switchIfReady(keeper)),
    failed: (slot, detail) => leaveFailed(keeper, slot, detail),
    release: () => release(keeper),
    stop: () => ports.file.change((state) => ({ ...state, life: null })),
  };
}

function leaseEnding({ ports }: Keeper, remainingMs: number): MachineMoment {
  const { machineBootId, monotonicMs } = ports.now();
  return { machineBootId, monotonicMs: monotonicMs + remainingMs };
}

async function start(keeper: Keeper): Promise<void> {
  const { file, now, models } = keeper.ports;
  const { blame, report, fallBack } = keeper.fallBacks;
  await file.change((state) => inThisBoot(withDeath(ofThisClock(state, now()), now()), now()));
  const { trying, current, order } = file.state();
  await file.change((state) => ({ ...state, life: now(), trying: null }));
  if (trying !== null && !isSame(trying, current) && isCrashLooping(file.state(), trying.version)) {
    const trialId = order?.model.version === trying.version ? order.trialId : null;
    await blame(trying, trialId, 'crashLoop', true);
    await report('refused', 'crashLoop', { version: trying.version, trialId }, 'the agent died while loading it');
  }
  if (current !== null && isCrashLooping(file.state(), current.version))
    await fallBack('crashLoop', 'the agent died three times in five minutes', true);
  // A candidate whose lease is over must not act, and its load not hold up the champion's.
  const isOver = !mayRunInstalled(keeper) && order !== null && (await models.has(slotOf(order.policy, order.champion)));
  if (isOver) return;
  const loaded = await keeper.work.loadInstalled(new AbortController().signal);
  keeper.active = loaded && { ...loaded, trialId: file.state().trialId };
}

async function takeOrder(keeper: Keeper, order: DesiredAnswer, leaseRemainingMs: number | undefined): Promise<void> {
  const leaseEnds = leaseRemainingMs === undefined ? undefined : leaseEnding(keeper, leaseRemainingMs);
  if (leaseEnds !== undefined) keeper.keptLeaseEndsMs = leaseEnds.monotonicMs;
  // Numbers of another policy's orders are others.
  if (keeper.ports.file.state().order?.policy !== order.policy) keeper.refugeSeq = undefined;
  await keeper.ports.file.change((state) => ({
    ...(state.order === null || state.order.policy === order.policy ? { ...state, order } : moved(state, order)),
    policy: order.policy,
    ...(leaseEnds === undefined ? {} : { leaseEnds }),
  }));
}

async function renewLease(keeper: Keeper, remainingMs: number): Promise<void> {
  const { file, now } = keeper.ports;
  const leaseEnds = leaseEnding(keeper, remainingMs);
  const isDue = keeper.keptLeaseEndsMs < now().monotonicMs + remainingMs / 2;
  file.remember((state) => ({ ...state, leaseEnds }));
  if (!isDue) return;
  keeper.keptLeaseEndsMs = leaseEnds.monotonicMs;
  await file.change((state) => state);
}

async function reconcile(keeper: Keeper): Promise<void> {
  if (keeper.leaving !== undefined) return;
  const { models } = keeper.ports;
  const choice = choose(keeper);
  dropOutdated(keeper, choice);
  if (choice !== undefined && isDone(keeper, choice)) {
    await followOrder(keeper, choice);
    return tidy(keeper);
  }
  const ready = choice && readyFor(keeper, choice);
  if (choice !== undefined && ready !== undefined) return switchTo(keeper, choice, ready);
  const isOther = choice !== undefined && !isSame(choice.slot, keeper.ports.file.state().current);
  const isAtHand = isOther && (await models.has(choice.slot));
  if (keeper.active === undefined && !isAtHand && mayRunInstalled(keeper)) return loadInstalled(keeper);
  if (choice === undefined) return tidy(keeper);
  prepare(keeper, choice);
  if (choice.urgency === 'safeStop' && isOther && !isAtHand) await takeRefuge(keeper, choice);
}

/** What is loaded, or being fetched and loaded, for a choice that is no more. */
function dropOutdated(keeper: Keeper, choice: VersionChoice | undefined): void {
  const { prepared } = keeper;
  if (prepared !== undefined && !isSame(prepared, choice?.slot ?? null)) {
    keeper.prepared = undefined;
    closeInBackground(prepared);
  }
  const isWanted = choice !== undefined && !isDone(keeper, choice);
  if (isWanted) keeper.work.keepOnlyFor(choice.slot);
}

/** Fetches and loads a version beside the loop; a candidate only where the way back to the champion is on the disk. */
function prepare(keeper: Keeper, choice: VersionChoice): void {
  const { order } = keeper.ports.file.state();
  const first = choice.isLeased && order !== null ? [slotOf(order.policy, order.champion)] : [];
  keeper.work.begin(choice.slot, `fetch of ${choice.slot.version}`, async (signal) => {
    try {
      for (const slot of [...first, choice.slot]) await keeper.work.fetch(slot, signal);
      keeper.prepared = await keeper.work.tryOut(choice.slot, signal);
    } catch (cause) {
      if (!(cause instanceof ModelRefusal)) throw cause;
      await refuse(keeper, choice, cause);
    }
  });
}

function loadInstalled(keeper: Keeper): void {
  const { file } = keeper.ports;
  const { current } = file.state();
  if (current === null) return;
  keeper.work.begin(current, `load of ${current.version}`, async (signal) => {
    const { standby } = keeper;
    const loaded = await keeper.work.loadInstalled(signal, standby);
    await keeper.leaving;
    if (loaded === undefined) return;
    const { current: now, trialId } = file.state();
    const isWanted = keeper.active === undefined && !signal.aborted && isSame(loaded, now);
    if (isWanted) keeper.active = { ...loaded, trialId };
    if (loaded === standby) keeper.standby = isWanted ? undefined : standby;
    else if (!isWanted) closeInBackground(loaded);
  });
}

async function refuse(keeper: Keeper, choice: VersionChoice, refusal: ModelRefusal): Promise<void> {
  const { slot, trialId } = choice;
  const { models, log } = keeper.ports;
  log(`version ${slot.version} refused: ${refusal.message}`);
  if (isDamage(refusal)) await models.discard(slot);
  const isFallBack = ['selfTestFailed', 'crashLoop', 'deadlineMissed'].includes(refusal.reason);
  await keeper.fallBacks.blame(slot, trialId, refusal.reason, isFallBack);
  await keeper.fallBacks.report('refused', refusal.reason, { version: slot.version, trialId }, refusal.message);
}

/** Fetches the safe fallback beside the loop, and lets go of versions that nothing refers to. */
async function tidy(keeper: Keeper): Promise<void> {
  const { file, now, models } = keeper.ports;
  const { order, current, previous, beforePrevious, baseline } = file.state();
  const wanted = order?.baseline == null ? null : slotOf(order.policy, order.baseline);
  const isMissing = wanted !== null && !isSame(wanted, baseline);
  if (isMissing && !isBlocked(file.state(), wanted.version, null, now())) keepBaseline(keeper, wanted);
  else keeper.work.end();
  const ordered = order === null ? [] : [order.model, order.champion].map((each) => slotOf(order.policy, each));
  const installed = [current, previous, beforePrevious, baseline];
  const slots = [...installed, wanted, keeper.active ?? null, keeper.standby ?? null, ...ordered];
  await models.keepOnly(slots.filter((slot) => slot !== null));
}

function keepBaseline(keeper: Keeper, wanted: Slot): void {
  const { file } = keeper.ports;
  keeper.work.begin(wanted, `fetch of the baseline ${wanted.version}`, async (signal) => {
    try {
      await keeper.work.fetch(wanted, signal);
      const isLoaded = [keeper.active, keeper.standby].some((each) => isSame(each ?? null, wanted));
      if (!isLoaded) closeInBackground(await keeper.work.tryOut(wanted, signal));
      await file.change((state) => ({
        ...state,
        baseline: wanted,
        previous: state.previous ?? (isSame(wanted, state.current) ? null : wanted),
      }));
    } catch (cause) {
      if (!(cause instanceof ModelRefusal)) throw cause;
      const how = { reason: 'ordered', urgency: 'whenIdle', trialId: null, isLeased: false, orderSeq: null } as const;
      await refuse(keeper, { slot: wanted, ...how }, cause);
    }
  });
}

async function release(keeper: Keeper): Promise<void> {
  await keeper.work.ended();
  const { active, standby, prepared } = keeper;
  for (const policy of [active, standby, prepared]) if (policy !== undefined) closeInBackground(policy);
}
