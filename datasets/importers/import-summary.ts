import type { LandingStore } from '../landing.ts';

/** What of a source was not taken; the same reason of the same thing is one entry with a count. */
export interface NotTaken {
  readonly what: 'row' | 'frame' | 'field' | 'topic' | 'message' | 'episode' | 'file' | 'video' | 'image' | 'robot';
  /** The field, topic, file … that the reason speaks of; empty where it speaks of any. */
  readonly name: string;
  readonly reason: string;
  readonly count: number;
}

/** What an import read, made and left out; counts are printed and, with --json, are the result. */
export interface ImportSummary {
  readonly format: string;
  readonly robotType: string;
  /** Rows or messages read. */
  readonly rows: number;
  readonly frames: number;
  readonly episodes: number;
  readonly robots: number;
  readonly segments: number;
  /** Segments that were in landing already, with the same bytes, or that an earlier run of this import had put there. */
  readonly segmentsAlreadyThere: number;
  /** Peculiarities of the source that were handled by a rule: what, and how often. */
  readonly handled: Readonly<Record<string, number>>;
  readonly notTaken: readonly NotTaken[];
  /** Entries beyond the first 1,000 of `notTaken`: how much they counted together. */
  readonly notTakenNotListed: number;
}

/** What an import needs of an object store: landing, and the records of what it has put there. */
export interface ImportStore extends LandingStore {
  get(key: string): Promise<Uint8Array | undefined>;
}

export interface ImportInput {
  /** The file, or the folder it lies in. */
  readonly path: string;
  readonly store: ImportStore;
  readonly scratchDirectory: string;
  /** Called with a line for people after every segment. */
  readonly progress: (line: string) => void;
  /** Whether there is a robot of this id that registered itself: a recording may not speak for it. */
  readonly isRegistered: (robotId: string) => Promise<boolean>;
  /** Called once, before the first segment is landed: the source was found, its map fits, and an episode could be read. */
  readonly beforeLanding?: () => Promise<void>;
  /** Lands also what an earlier run of this very import has landed. */
  readonly isAgain?: boolean;
}

/** The source is not what the format or its map says: where, what was expected, what was found. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
}

/** Longest text of a source that an error or a summary repeats. */
const mostCharacters = 80;
/** A text of the source as messages quote it. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length <= mostCharacters ? text : `${text.slice(0, mostCharacters)}…`);
