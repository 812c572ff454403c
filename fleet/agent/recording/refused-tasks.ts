/** Names that are counted one by one; what comes beyond counts under the last of them. */
const mostNames = 32;
const longestName = 63;

/** How often the robot was asked for a task that its model does not know, by task, until it is told. */
export interface RefusedTasks {
  /** In this life of the agent. */
  readonly total: () => number;
  add(task: string): void;
  /** What was counted since the last call. */
  take(): readonly { readonly task: string; readonly count: number }[];
}

export function countRefusedTasks(): RefusedTasks {
  let total = 0;
  let counts = new Map<string, number>();
  return {
    total: () => total,
    add(task) {
      total += 1;
      const name = task.slice(0, longestName) || 'unnamed';
      const counted = counts.has(name) || counts.size < mostNames ? name : ([...counts.keys()].at(-1) ?? name);
      counts.set(counted, (counts.get(counted) ?? 0) + 1);
    },
    take() {
      const taken = [...counts].map(([task, count]) => ({ task, count }));
      counts = new Map();
      return taken;
    },
  };
}
