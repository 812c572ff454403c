import type { VersionQuestion } from './find-on-path.ts';
import type { Report } from './tool-cache.ts';

/** A program of exactly one version that this project runs. */
export interface Tool {
  readonly name: string;
  /** As the program prints it. */
  readonly version: string;
  /** Absent: asked with `--version`. */
  readonly question?: VersionQuestion;
}

/** One way to get a tool on a machine that lacks it. */
export interface ToolSource {
  /** Said when it is tried, e.g. `as a Python wheel`. */
  readonly how: string;
  /** Whose content is part of the name in the cache. */
  readonly recipeFiles: readonly string[];
  /** Where the program stands below what `make` makes; absent: that is the program itself. */
  readonly programWithin?: string;
  /** Makes the tool at a path that does not exist yet. Throws an Error that says in one sentence why it cannot. */
  readonly make: (temporary: string, report: Report) => Promise<void>;
}
