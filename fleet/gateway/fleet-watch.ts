import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { PolicyWatch } from './policy-watch.ts';
import { rootWatch, type RootWatch } from './root-watch.ts';
import type { OnDamage } from '../../store/damaged-objects.ts';
import { taskWatch, type TaskWatch } from './task-watch.ts';
import { windowWatch, type WindowWatch } from './window-watch.ts';

export interface FleetWatchOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly monotonicMs: () => number;
  readonly lookEveryMs: number;
  /** Looked at before the policies, so that whoever lost their token gets no order any more. */
  readonly lookFirst: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** The watches of all policies that are registered, looking on by themselves until they are stopped. */
export class FleetWatch {
  readonly #options: FleetWatchOptions;
  readonly roots: RootWatch;
  readonly windows: WindowWatch;
  readonly tasks: TaskWatch;
  readonly #watches = new Map<string, PolicyWatch>();
  #timer: NodeJS.Timeout | undefined;
  #lastLookMs = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(options: FleetWatchOptions) {
    this.#options = options;
    this.roots = rootWatch(options.store);
    const onDamage: OnDamage = ({ key, why }) => options.onError(new Error(`${key} is skipped: ${why}`));
    this.windows = windowWatch(options.store, onDamage);
    this.tasks = taskWatch(options.store, onDamage);
  }

  get policies(): readonly string[] {
    return [...this.#watches.keys()];
  }

  get waiting(): number {
    return [...this.#watches.values()].reduce((sum, watch) => sum + watch.waiting, 0);
  }

  /** Since the store last answered everything a look asks; infinite before the first. */
  get sinceLookMs(): number {
    return this.#options.monotonicMs() - this.#lastLookMs;
  }

  /** Finds the registered policies and looks at each, over and over. */
  async start(): Promise<void> {
    await this.findPolicies();
    await this.#lookAtAll();
    this.#schedule();
  }

  of(policy: string): PolicyWatch {
    const { store, clock } = this.#options;
    const watch = this.#watches.get(policy) ?? new PolicyWatch({ store, clock, policy });
    this.#watches.set(policy, watch);
    return watch;
  }

  /** Policies are few and stay, so the list only grows. */
  async findPolicies(): Promise<void> {
    for await (const { key } of this.#options.store.list('config/policies/')) {
      const policy = /^config\/policies\/([a-z0-9-]+)\.json$/.exec(key)?.[1];
      if (policy !== undefined) this.of(policy);
    }
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      void this.#lookAtAll()
        .catch(this.#options.onError)
        .finally(() => this.#schedule());
    }, this.#options.lookEveryMs);
  }

  async #lookAtAll(): Promise<void> {
    const [first] = await Promise.allSettled([this.#options.lookFirst()]);
    const looks = await Promise.allSettled([
      ...[...this.#watches.values()].map((watch) => watch.look()),
      this.roots.look(),
      this.windows.look(),
      this.tasks.look(this.policies),
    ]);
    const failed = [first, ...looks].find((look) => look.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    this.#lastLookMs = this.#options.monotonicMs();
  }
}
