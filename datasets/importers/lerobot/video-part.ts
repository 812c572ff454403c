import type { FoundVideo } from './video-source.ts';

/** Where the images of an episode should be in a file. */
export interface WantedPart {
  /** Undefined: the file is this episode's alone. */
  readonly times: { readonly fromS: number; readonly toS: number } | undefined;
  readonly rows: number;
  readonly fps: number;
}

export interface FoundPart {
  /** Between the image before the first one and the first one; 0: it begins with the file. */
  readonly fromUs: number;
  /** Of its images, µs after the first one. */
  readonly atUs: readonly number[];
  /** Images of the file behind the last one. */
  readonly behind: number;
}

/** Of a period: nearer to its row than to any other. */
const mostBeside = 0.5;

/**
 * The images of an episode in a file, one for each row, or why there are none in words. An image stands for a row if it is less than half a period
 * beside the row's time; images that are missing in the middle are noticed so.
 */
export function partOf({ atUs }: Pick<FoundVideo, 'atUs'>, { times, rows, fps }: WantedPart): FoundPart | string {
  const periodUs = 1e6 / fps;
  const most = mostBeside * periodUs;
  const startUs = times === undefined ? (atUs[0] ?? 0) : times.fromS * 1e6;
  if (times !== undefined && Math.abs((times.toS - times.fromS) * 1e6 - rows * periodUs) > most)
    return 'from_timestamp and to_timestamp do not fit the length of the episode';
  const first = firstBehind(atUs, startUs - most);
  if (first === atUs.length) return 'the file ends before the episode begins';
  if (atUs.length - first < rows) return 'fewer images than the episode has rows';
  const own = Array.from(atUs.subarray(first, first + rows));
  if (own.some((at, row) => Math.abs(at - startUs - row * periodUs) >= most))
    return 'not one image at the time of each row';
  const [begin = 0, before] = [own[0], atUs[first - 1]];
  return {
    fromUs: before === undefined ? 0 : (before + begin) / 2,
    atUs: own.map((at) => at - begin),
    behind: atUs.length - first - rows,
  };
}

/** Place of the first instant after another; as many as there are for none. Logarithmic. */
function firstBehind(atUs: Float64Array, us: number): number {
  let [low, high] = [0, atUs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((atUs[middle] ?? 0) > us) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * How long before the first row a clip begins so that every row sees its own image: the last one at or before it. Times are µs after the first.
 * Undefined where no beginning does.
 */
export function leadOf(images: readonly number[], rows: readonly number[]): number | undefined {
  const lead = images.reduce((most, at, index) => Math.max(most, Math.ceil(at - (rows[index] ?? 0))), 0);
  const isOwn = images.every((at, index) => {
    const next = images[index + 1];
    return at - lead <= (rows[index] ?? 0) && (next === undefined || next - lead > (rows[index] ?? 0));
  });
  return isOwn ? lead : undefined;
}
