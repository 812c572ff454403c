import type { VersionChoice } from './choose-version.ts';
import { fallBackSlot, isSame, type Slot } from './installation.ts';
import { orLogged, type Keeper } from './keeper-state.ts';

/** From now on it decides nothing: the robot is stopped, and goes back to what ran before. */
export async function leaveFailed(keeper: Keeper, slot: Slot, detail: string): Promise<void> {
  const { active, ports } = keeper;
  if (active === undefined || !isSame(active, slot)) return;
  ports.log(`version ${slot.version} failed: ${detail}`);
  await leave(keeper, async () => {
    if (!isSame(ports.file.state().current, slot)) return;
    const isAnythingElse = fallBackSlot(ports.file.state(), ports.now()) !== undefined;
    await orLogged(keeper, async () => void (await keeper.fallBacks.fallBack('deadlineMissed', detail, true)));
    if (!isAnythingElse) await abandonInstalled(keeper, detail);
  });
}

/**
 * An order that cannot wait, for a version that is still to be fetched: the robot stops at once and goes back to what ran before,
 * or the baseline, until the ordered version is there. Once for an order.
 */
export async function takeRefuge(keeper: Keeper, { slot }: VersionChoice): Promise<void> {
  const { file, now, stopSafely, isIdle } = keeper.ports;
  const state = file.state();
  const seq = state.order?.seq;
  if (keeper.active === undefined || seq === undefined || keeper.refugeSeq === seq || state.stoppedSeq === seq) return;
  keeper.refugeSeq = seq;
  if (!isIdle()) await orLogged(keeper, () => file.change((now) => ({ ...now, stoppedSeq: seq })));
  const detail = `ordered to stop for ${slot.version}, which is still to be fetched`;
  if (fallBackSlot(state, now()) !== undefined)
    await leave(keeper, async () => void (await keeper.fallBacks.fallBack('ordered', detail, false)));
  else if (!isIdle()) await stopSafely();
}

/**
 * Nothing acts from now on; the robot is stopped while `goBack` says what it goes back to. Until both are done, what is left is
 * still the installed version on the disk: nothing is loaded or switched meanwhile.
 */
async function leave(keeper: Keeper, goBack: () => Promise<void>): Promise<void> {
  const { ports } = keeper;
  const told = orLogged(keeper, ports.beforeSwitch);
  keeper.active = undefined;
  const left = async (): Promise<void> => {
    const stopping = orLogged(keeper, ports.stopSafely);
    await told;
    await orLogged(keeper, goBack);
    await stopping;
  };
  keeper.leaving = left();
  await keeper.leaving;
  keeper.leaving = undefined;
  ports.onChange();
}

/** There is nothing to go back to: better no policy than one that hangs. */
async function abandonInstalled(keeper: Keeper, detail: string): Promise<void> {
  const { file } = keeper.ports;
  const { current, trialId } = file.state();
  await file.change((state) => ({ ...state, current: null, trialId: null, isLeased: false }));
  if (current === null) return;
  await keeper.fallBacks.report('fellBack', 'deadlineMissed', { version: current.version, trialId }, detail);
}
