import type { FileHandle } from 'node:fs/promises';

import type { Clip } from '../../datasets/media/read-clip.ts';

export interface ImageShape {
  readonly width: number;
  readonly height: number;
  readonly form: 'jpeg' | 'rgb' | 'grey';
}

export interface OpenClip {
  readonly file: FileHandle;
  readonly path: string;
  readonly clip: Clip;
}
