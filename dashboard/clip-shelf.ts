import type { ClipImagesAnswer } from '../console/answers/clips.ts';
import { ask, askBytes } from './ask.ts';
import { ClipImages, ClipTrouble, type ClipPlaces, type ReadBytes } from './clip-images.ts';
import type { Pass } from './pass.ts';

/** Where a clip is asked for. */
export interface ClipPaths {
  readonly imagesPath: string;
  readonly bytesPath: string;
}

/** A clip of which single images are looked at. */
export class OpenClip {
  readonly #paths: ClipPaths;
  readonly #pass: Pass;
  readonly #end = new AbortController();
  #reading: Promise<ClipPlaces> | null = null;
  #images: ClipImages | null = null;
  /** Where its images lie; null: it is not known yet. */
  places: ClipPlaces | null = null;

  constructor(paths: ClipPaths, pass: Pass) {
    this.#paths = paths;
    this.#pass = pass;
  }

  get isClosed(): boolean {
    return this.#end.signal.aborted;
  }

  /** Where its images lie. It never changes: it is asked for once, until it is told. */
  read(): Promise<ClipPlaces> {
    this.#reading ??= this.#read();
    return this.#reading;
  }

  async #read(): Promise<ClipPlaces> {
    const { imagesPath, bytesPath } = this.#paths;
    this.places = await placesOf(imagesPath, this.#pass, this.#end.signal);
    this.#images = new ClipImages(this.places, readerOf(bytesPath, this.#pass, this.#end.signal));
    return this.places;
  }

  async image(index: number): Promise<ImageBitmap> {
    await this.read();
    if (this.#images === null) throw new ClipTrouble('where its images lie is not known');
    return this.#images.image(index);
  }

  close(): void {
    this.#end.abort();
    this.#images?.close();
  }
}

/** Clips that are looked at, and those that will be looked at next: their first images are decoded by then. */
export class ClipShelf {
  readonly #pass: Pass;
  readonly #clips = new Map<string, { readonly clip: OpenClip; looking: number; isNext: boolean }>();

  constructor(pass: Pass) {
    this.#pass = pass;
  }

  /** A clip to look at. Each time it is given has its {@link letGo}. */
  look(paths: ClipPaths): OpenClip {
    const place = this.#placeOf(paths);
    place.looking += 1;
    return place.clip;
  }

  letGo({ imagesPath }: ClipPaths): void {
    const place = this.#clips.get(imagesPath);
    if (place === undefined) return;
    place.looking -= 1;
    this.#closeUnused();
  }

  /** These will be looked at next, and no others. */
  next(all: readonly ClipPaths[]): void {
    for (const place of this.#clips.values()) place.isNext = false;
    for (const paths of all) {
      const place = this.#placeOf(paths);
      place.isNext = true;
      // Trouble is told to whoever looks.
      place.clip.image(0).catch(() => undefined);
    }
    this.#closeUnused();
  }

  #placeOf(paths: ClipPaths) {
    const found = this.#clips.get(paths.imagesPath);
    if (found !== undefined) return found;
    const made = { clip: new OpenClip(paths, this.#pass), looking: 0, isNext: false };
    this.#clips.set(paths.imagesPath, made);
    return made;
  }

  #closeUnused(): void {
    for (const [key, { clip, looking, isNext }] of this.#clips)
      if (looking <= 0 && !isNext) {
        clip.close();
        this.#clips.delete(key);
      }
  }

  /** Closes a clip that had trouble, so that it is asked for anew. */
  drop({ imagesPath }: ClipPaths): void {
    this.#clips.get(imagesPath)?.clip.close();
    this.#clips.delete(imagesPath);
  }
}

const againMs = 5_000;
/** Refusals that a later question may not meet. */
const passing: ReadonlySet<string> = new Set(['tooMany', 'storeUnavailable', 'internal']);

async function placesOf(path: string, pass: Pass, signal: AbortSignal): Promise<ClipPlaces> {
  for (;;) {
    const answer = await ask<ClipImagesAnswer>(path, pass, signal);
    if (answer.kind === 'read') {
      if (answer.data.state === 'read') return answer.data;
      throw new ClipTrouble(answer.data.reason);
    }
    if (answer.kind === 'refused' && !passing.has(answer.type)) throw new ClipTrouble(answer.message);
    await new Promise((resolve) => setTimeout(resolve, againMs));
    signal.throwIfAborted();
  }
}

const mostTries = 5;
const calmMs = 1_000;

/** Bytes of the clip; a console that has no time now is asked again, a few times. */
const readerOf =
  (path: string, pass: Pass, signal: AbortSignal): ReadBytes =>
  async (start, end) => {
    for (let tries = 1; ; tries += 1) {
      const answer = await askBytes(path, pass, { start, end }, signal);
      if (answer.kind === 'read') return answer.data;
      if (tries >= mostTries || (answer.kind === 'refused' && !passing.has(answer.type)))
        throw new ClipTrouble(answer.kind === 'gone' ? 'the console does not answer' : answer.message);
      await new Promise((resolve) => setTimeout(resolve, calmMs * tries));
    }
  };
