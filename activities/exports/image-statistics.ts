import { readFile } from 'node:fs/promises';

const channels = [0, 1, 2] as const;
const brightest = 255;

/** Statistics of images as LeRobot writes them: of each colour from 0 to 1, as an array of colour × 1 × 1; `count` is that of the images. */
export class ImageStatistics {
  readonly #min = [1, 1, 1];
  readonly #max = [0, 0, 0];
  readonly #sum = [0, 0, 0];
  readonly #squares = [0, 0, 0];
  #pixels = 0;
  #images = 0;

  /** A file of pixels of 3 bytes, of so many images. */
  async add(path: string, images: number): Promise<void> {
    const bytes = await readFile(path);
    for (let at = 0; at < bytes.length; at += 3)
      for (const channel of channels) {
        const value = (bytes[at + channel] ?? 0) / brightest;
        this.#min[channel] = Math.min(this.#min[channel] ?? 1, value);
        this.#max[channel] = Math.max(this.#max[channel] ?? 0, value);
        this.#sum[channel] = (this.#sum[channel] ?? 0) + value;
        this.#squares[channel] = (this.#squares[channel] ?? 0) + value * value;
      }
    this.#pixels += bytes.length / 3;
    this.#images += images;
  }

  result(): Readonly<Record<'min' | 'max' | 'mean' | 'std' | 'count', readonly unknown[]>> {
    const pixels = Math.max(1, this.#pixels);
    const mean = this.#sum.map((sum) => sum / pixels);
    const std = this.#squares.map((squares, channel) =>
      Math.sqrt(Math.max(0, squares / pixels - (mean[channel] ?? 0) ** 2)),
    );
    return {
      min: shaped(this.#min),
      max: shaped(this.#max),
      mean: shaped(mean),
      std: shaped(std),
      count: [this.#images],
    };
  }
}

const shaped = (values: readonly number[]): readonly unknown[] => values.map((value) => [[value]]);
