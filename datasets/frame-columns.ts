/** What a robot saw and did at one moment. */
export interface Frame {
  /** µs since 1970 UTC. */
  readonly atUs: number;
  /** One value for each observation of the robot type, in its order and units. */
  readonly observation: Float32Array;
  /** The command: one index if discrete, one value for each range if continuous, nothing where the type has none. */
  readonly action: Float32Array;
}

const firstRoom = 64;

/** Frames of an episode as columns, all of the same widths: a frame takes its numbers and no object. */
export class FrameColumns {
  #length = 0;
  #atUs = new Float64Array();
  #observations = new Float32Array(0);
  #actions = new Float32Array(0);
  #observationWidth = 0;
  #actionWidth = 0;

  static of(frames: readonly Frame[]): FrameColumns {
    const columns = new FrameColumns();
    for (const { atUs, observation, action } of frames) columns.push(atUs, observation, action);
    return columns;
  }

  get length(): number {
    return this.#length;
  }

  get observationWidth(): number {
    return this.#observationWidth;
  }

  get actionWidth(): number {
    return this.#actionWidth;
  }

  /** Of every frame; a view. */
  get atUs(): Float64Array {
    return this.#atUs.subarray(0, this.#length);
  }

  /** One frame behind the other; a view. */
  get observations(): Float32Array {
    return this.#observations.subarray(0, this.#length * this.#observationWidth);
  }

  /** One frame behind the other; a view. */
  get actions(): Float32Array {
    return this.#actions.subarray(0, this.#length * this.#actionWidth);
  }

  /** Copies a frame. `TypeError` for one of other widths than the first. */
  push(atUs: number, observation: Float32Array, action: Float32Array): void {
    this.#expect(observation.length, action.length);
    const [width, actionWidth] = [this.#observationWidth, this.#actionWidth];
    this.#makeRoom(this.#length + 1);
    const at = this.#length;
    this.#atUs[at] = atUs;
    // Loops: `set` takes longer for a few numbers.
    const [observations, actions] = [this.#observations, this.#actions];
    for (let place = 0, to = at * width; place < width; place += 1, to += 1) observations[to] = observation[place] ?? 0;
    for (let place = 0, to = at * actionWidth; place < actionWidth; place += 1, to += 1)
      actions[to] = action[place] ?? 0;
    this.#length += 1;
  }

  /** Copies frames that stand one behind the other, as many as times. `TypeError` for frames of other widths than the first. */
  append(atUs: Float64Array, observations: Float32Array, actions: Float32Array): void {
    const count = atUs.length;
    if (count === 0) return;
    this.#expect(observations.length / count, actions.length / count);
    const at = this.#length;
    this.#makeRoom(at + count);
    this.#atUs.set(atUs, at);
    this.#observations.set(observations, at * this.#observationWidth);
    this.#actions.set(actions, at * this.#actionWidth);
    this.#length += count;
  }

  #expect(observationWidth: number, actionWidth: number): void {
    if (this.#length === 0) this.#begin(observationWidth, actionWidth);
    if (observationWidth === this.#observationWidth && actionWidth === this.#actionWidth) return;
    throw new TypeError(
      `expected ${this.#observationWidth} readings and ${this.#actionWidth} commands as in the frames before, got ${observationWidth} and ${actionWidth}`,
    );
  }

  #begin(width: number, actionWidth: number): void {
    const room = this.#atUs.length;
    if (this.#observations.length !== room * width) this.#observations = new Float32Array(room * width);
    if (this.#actions.length !== room * actionWidth) this.#actions = new Float32Array(room * actionWidth);
    [this.#observationWidth, this.#actionWidth] = [width, actionWidth];
  }

  /** At least doubles what has too little, so that every number is copied once or twice. */
  #makeRoom(frames: number): void {
    if (frames <= this.#atUs.length) return;
    const room = Math.max(frames, 2 * this.#length, firstRoom);
    this.#atUs = grown(this.#atUs, new Float64Array(room));
    this.#observations = grown(this.#observations, new Float32Array(room * this.#observationWidth));
    this.#actions = grown(this.#actions, new Float32Array(room * this.#actionWidth));
  }

  /** Forgets all frames. */
  clear(): void {
    this.#length = 0;
  }

  /** Moves all times by so many µs. */
  shift(us: number): void {
    for (let place = 0; place < this.#length; place += 1) this.#atUs[place] = (this.#atUs[place] ?? 0) + us;
  }

  /** A frame, its numbers as views; undefined where there is none. */
  at(place: number): Frame | undefined {
    const index = place < 0 ? this.#length + place : place;
    if (index < 0 || index >= this.#length) return undefined;
    const [width, actionWidth] = [this.#observationWidth, this.#actionWidth];
    return {
      atUs: this.#atUs[index] ?? 0,
      observation: this.#observations.subarray(index * width, (index + 1) * width),
      action: this.#actions.subarray(index * actionWidth, (index + 1) * actionWidth),
    };
  }

  map<T>(of: (frame: Frame, place: number) => T): T[] {
    return Array.from(this, of);
  }

  *[Symbol.iterator](): Generator<Frame> {
    for (let place = 0; place < this.#length; place += 1) yield this.at(place) as Frame;
  }
}

function grown<T extends Float32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
