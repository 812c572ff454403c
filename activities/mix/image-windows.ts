/** A policy that is asked every `steps` frames, with `images` of each camera: that of the frame at which it is asked, and those before. */
export interface ImageAsking {
  readonly steps: number;
  readonly images: number;
}

/** Those of some policies that look at other images than that of a row's own frame, each once, in one order. */
export function imageWindowsOf(policies: readonly ImageAsking[]): readonly ImageAsking[] {
  const looking = policies.filter(({ steps, images }) => images > 0 && (steps > 1 || images > 1));
  const each = new Map(looking.map(({ steps, images }) => [`${steps} ${images}`, { steps, images }]));
  return [...each.values()].toSorted((a, b) => a.steps - b.steps || a.images - b.images);
}

/** Images of a camera that a row has room for: that of its own frame, and of as many frames before it as any policy looks back. */
export const imagesOfRow = (windows: readonly ImageAsking[]): number =>
  Math.max(1, ...windows.map(({ steps, images }) => steps + images - 1));

/**
 * The columns of places of a held-out row's images, of `row_image AS i`, as many for each frame; the size is 0 where none of the policies looks at a frame
 * before the row: neither at that at which it is asked, by `row_run AS r`, nor at those before that. So a row has one image for a policy that answers chunks of eight, and not eight.
 */
export function askedPlacesSql(places: readonly string[], windows: readonly ImageAsking[]): readonly string[] {
  const ofFrame = places.length / imagesOfRow(windows);
  return places.map((name, column) => {
    const back = Math.floor(column / ofFrame);
    if (back === 0 || !name.startsWith('size_')) return `i.${name}`;
    const looks = windows.map(
      ({ steps, images }) => `${back} - ${steps === 1 ? 0 : `r.run_frame % ${steps}`} BETWEEN 0 AND ${images - 1}`,
    );
    return `(CASE WHEN ${looks.join(' OR ')} THEN i.${name} ELSE 0 END)::INTEGER`;
  });
}
