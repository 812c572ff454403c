import type { VersionChoice } from './choose-version.ts';
import { isSame, switched } from './installation.ts';
import { choose, isDone, orLogged, type Keeper } from './keeper-state.ts';
import { leaveFailed } from './leave-version.ts';
import { closeInBackground, type LoadedPolicy } from './policy-runtime.ts';
import { waitsForWindow } from './update-window.ts';

/** The chosen version, if it is loaded and has not failed. */
export function readyFor({ prepared, standby }: Keeper, { slot }: VersionChoice): LoadedPolicy | undefined {
  return [prepared, standby].find((each) => each !== undefined && !each.hasFailed() && isSame(each, slot));
}

/** Switches a robot that may be switched now, its site's window being open, or after a safe stop if the order cannot wait; one order stops it once. */
export async function switchTo(keeper: Keeper, choice: VersionChoice, loaded: LoadedPolicy): Promise<void> {
  const { file, isIdle, stopSafely, beforeSwitch } = keeper.ports;
  if (await waitsForWindow(keeper, choice)) return;
  if (isIdle()) return keeper.oneSwitch(() => commit(keeper, choice, loaded));
  const { orderSeq: seq, urgency } = choice;
  if (urgency !== 'safeStop' || (seq !== null && file.state().stoppedSeq === seq)) return;
  await orLogged(keeper, () => file.change((state) => ({ ...state, stoppedSeq: seq })));
  await orLogged(keeper, beforeSwitch);
  // Nothing acts until the switch is made: a robot that began its next episode in between would escape the order.
  const left = keeper.active;
  keeper.active = undefined;
  await stopSafely();
  await keeper.oneSwitch(() => commit(keeper, choice, loaded, left));
  if (left === undefined || keeper.active !== undefined) return;
  keeper.active = left;
  if (left.hasFailed()) await leaveFailed(keeper, left, 'it failed while the robot was stopped');
}

/** Makes a switch that is ready, if the robot may be switched now. */
export async function switchIfReady(keeper: Keeper): Promise<void> {
  const choice = choose(keeper);
  const ready = choice && readyFor(keeper, choice);
  if (choice === undefined || ready === undefined || !keeper.ports.isIdle()) return;
  if (await waitsForWindow(keeper, choice)) return;
  await commit(keeper, choice, ready);
}

async function commit(
  keeper: Keeper,
  choice: VersionChoice,
  loaded: LoadedPolicy,
  acted = keeper.active,
): Promise<void> {
  const { file, at, beforeSwitch, isIdle } = keeper.ports;
  if (isDone(keeper, choice) || readyFor(keeper, choice) !== loaded) return;
  const { slot, reason, trialId, isLeased, orderSeq, urgency } = choice;
  const { current: left, trialId: leftTrialId, orderSeq: lastSeq } = file.state();
  const isPlainOrder = reason === 'ordered' && urgency === 'whenIdle';
  const to = { slot, trialId, isLeased, orderSeq: orderSeq ?? lastSeq, isPlainOrder };
  // A disk that takes nothing any more must not keep the robot on what it should leave.
  if (!isSame(slot, left)) await orLogged(keeper, () => file.change((state) => switched(state, to)));
  at('state.switched');
  await orLogged(keeper, beforeSwitch);
  if (!isIdle() || readyFor(keeper, choice) !== loaded) return;
  activate(keeper, loaded, trialId, acted);
  const from = left === null || isSame(slot, left) ? undefined : { version: left.version, trialId: leftTrialId };
  const { report } = keeper.fallBacks;
  if (reason === 'ordered') await report('installed', reason, from && { ...from, trialId }, '');
  else await report('fellBack', reason, from, '');
}

/** The loaded policy acts; what acted stays loaded beside it, and what stayed so until now is let go. */
function activate(keeper: Keeper, loaded: LoadedPolicy, trialId: string | null, acted: LoadedPolicy | undefined): void {
  const before = keeper.standby;
  keeper.standby = acted?.hasFailed() === true ? undefined : acted;
  keeper.active = { ...loaded, trialId };
  if (keeper.prepared === loaded) keeper.prepared = undefined;
  if (before !== undefined && before !== loaded) closeInBackground(before);
}

/** The version is right; the trial, the lease or the number of the order may be new. */
export async function followOrder(keeper: Keeper, { trialId, isLeased, orderSeq }: VersionChoice): Promise<void> {
  const { file } = keeper.ports;
  const state = file.state();
  const isNewTrial = state.trialId !== trialId;
  if (!isNewTrial && state.isLeased === isLeased && (orderSeq === null || state.orderSeq === orderSeq)) return;
  await file.change((state) => ({
    ...state,
    trialId,
    isLeased,
    orderSeq: orderSeq ?? state.orderSeq,
    beforePrevious: isLeased ? state.beforePrevious : null,
  }));
  if (keeper.active !== undefined) keeper.active = { ...keeper.active, trialId };
  if (isNewTrial) await keeper.fallBacks.report('installed', 'ordered', undefined, '');
}
