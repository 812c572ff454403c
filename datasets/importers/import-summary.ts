import type { LandingStore } from '../landing.ts';

/** What an import read, made and left out; counts are printed and, with --json, are the result. */
export interface ImportSummary {
  readonly format: string;
  readonly robotType: string;
  readonly rows: number;
  readonly frames: number;
  readonly episodes: number;
  readonly robots: number;
  readonly segments: number;
  /** Segments that were in landing already, with the same bytes. */
  readonly segmentsAlreadyThere: number;
  /** Peculiarities of the file that were handled by a rule: what, and how often. */
  readonly handled: Readonly<Record<string, number>>;
}

export interface ImportInput {
  /** The file, or the folder it lies in. */
  readonly path: string;
  readonly store: LandingStore;
  readonly scratchDirectory: string;
  /** Called with a line for people after every segment. */
  readonly progress: (line: string) => void;
}

/** The file is not what the format says: where, what was expected, what was found. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}
