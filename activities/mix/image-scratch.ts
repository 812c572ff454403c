import { open, type FileHandle } from 'node:fs/promises';

import type { ImagePlace } from './arrow-file.ts';

/** What a chunk's whole numbers can count. */
const blockBytes = 2 ** 30;

/** Images one after another in a file that goes with its folder. */
export class ImageScratch {
  readonly #file: FileHandle;
  #end = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<ImageScratch> {
    return new ImageScratch(await open(path, 'w+'));
  }

  async add(image: Uint8Array): Promise<ImagePlace> {
    const at = this.#end;
    this.#end += image.length;
    await this.#file.write(image, 0, image.length, at);
    return { block: Math.floor(at / blockBytes), rest: at % blockBytes, size: image.length };
  }

  async read({ block, rest, size }: ImagePlace): Promise<Uint8Array> {
    const { buffer, bytesRead } = await this.#file.read(Buffer.alloc(size), 0, size, block * blockBytes + rest);
    if (bytesRead < size) throw new Error(`expected ${size} bytes of an image in the scratch file, got ${bytesRead}`);
    return buffer;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
