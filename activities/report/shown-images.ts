import { html, type Html } from './html.ts';

interface Shown {
  /** Null or not there where nobody knows; an erasure of any episode takes such images. */
  readonly episodeId?: string | null | undefined;
  readonly images?: readonly { readonly camera: string; readonly jpeg: string }[] | undefined;
}

/** What the cameras showed in a frame. An erasure finds whose an image is by `data-episode`. */
export const shownImages = ({ episodeId, images = [] }: Shown): readonly Html[] =>
  images.map(
    ({ camera, jpeg }) =>
      html`<img
        alt="${camera}"
        title="${camera}"
        width="128"
        data-episode="${episodeId ?? ''}"
        src="data:image/jpeg;base64,${jpeg}"
      /> `,
  );
