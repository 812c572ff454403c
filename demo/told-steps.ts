/** Steps of a scenario that nobody's life depends on: what did not happen is said, and the scenario goes on. */
export interface ToldSteps {
  /** Does a step; undefined when it did not go as told. */
  readonly step: <T>(what: string, work: () => Promise<T>) => Promise<T | undefined>;
  /** What did not go as told, in sentences. */
  readonly missed: readonly string[];
}

export function toldSteps(say: (line: string) => void): ToldSteps {
  const missed: string[] = [];
  return {
    missed,
    async step(what, work) {
      try {
        return await work();
      } catch (error) {
        const sentence = `${what}: ${error instanceof Error ? error.message : String(error)}`;
        missed.push(sentence);
        say(`  Not as expected: ${sentence}`);
        return undefined;
      }
    },
  };
}
