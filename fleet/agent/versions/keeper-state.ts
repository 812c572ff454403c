import { chooseVersion, type VersionChoice } from './choose-version.ts';
import type { FallBackPorts, FallBacks } from './fall-backs.ts';
import { isBlocked, isSame } from './installation.ts';
import type { ModelFolder } from './model-folder.ts';
import type { LoadedPolicy } from './policy-runtime.ts';
import { elapsedSince } from '../local/times.ts';
import type { Work } from './version-work.ts';
import type { createQueue } from '../local/waiting.ts';

/** What acts now. */
export interface ActivePolicy extends LoadedPolicy {
  readonly trialId: string | null;
}

export interface VersionKeeperPorts extends FallBackPorts {
  readonly models: ModelFolder;
  readonly contactlessMs: () => number;
  /** How long nothing fresh was signed. */
  readonly unfreshMs: () => number;
  /** True while the robot may be switched without harm. */
  readonly isIdle: () => boolean;
  /** Brings the robot to a stop and ends its episode as aborted; resolves in bounded time. */
  readonly stopSafely: () => Promise<void>;
  /** Called before another version acts. */
  readonly beforeSwitch: () => Promise<void>;
  /** Does a step again and again, with the agent's back-off, until it succeeds or the signal is aborted; never rejects. */
  readonly untilDone: (name: string, signal: AbortSignal, step: () => Promise<void>) => Promise<void>;
  /** Something is ready, or has failed: `reconcile` is due. */
  readonly onChange: () => void;
  readonly log: (line: string) => void;
}

/** What the version keeper knows; its functions take it as their first argument. */
export interface Keeper {
  readonly ports: VersionKeeperPorts;
  readonly fallBacks: FallBacks;
  readonly work: Work;
  readonly oneSwitch: ReturnType<typeof createQueue>;
  active: ActivePolicy | undefined;
  /** What acted before, still loaded: the way back to it needs no disk. */
  standby: LoadedPolicy | undefined;
  /** What is loaded and waits for its switch. */
  prepared: LoadedPolicy | undefined;
  /** While what acted is left because it must not act any more: the robot is stopped, and what it goes back to is written. */
  leaving: Promise<void> | undefined;
  /** The last order for whose sake the robot left what it ran before the ordered version was there. */
  refugeSeq: number | undefined;
  /** End of the lease as the disk has it: a process that starts again may rely on that much. */
  keptLeaseEndsMs: number;
}

export function isLeaseAlive({ ports }: Keeper): boolean {
  const { leaseEnds } = ports.file.state();
  return leaseEnds !== null && (elapsedSince(leaseEnds, ports.now()) ?? 0) < 0;
}

export function choose(keeper: Keeper): VersionChoice | undefined {
  const { file, now, contactlessMs, unfreshMs } = keeper.ports;
  const state = file.state();
  return chooseVersion({
    ...state,
    isLeaseAlive: isLeaseAlive(keeper),
    contactlessMs: contactlessMs(),
    unfreshMs: unfreshMs(),
    isBlocked: (version, trialId) => isBlocked(state, version, trialId, now()),
  });
}

export const isDone = ({ ports, active }: Keeper, { slot }: VersionChoice): boolean =>
  isSame(slot, ports.file.state().current) && isSame(slot, active ?? null);

/** The installed version may act without anybody's word: it is no candidate whose lease is over. */
export function mayRunInstalled(keeper: Keeper): boolean {
  const { current, isLeased } = keeper.ports.file.state();
  return current !== null && (!isLeased || isLeaseAlive(keeper));
}

/** A disk that takes nothing any more must not keep the robot from obeying. */
export async function orLogged({ ports }: Keeper, job: () => Promise<void>): Promise<void> {
  try {
    await job();
  } catch (cause) {
    ports.log(`not written: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
