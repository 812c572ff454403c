import { about, type Finding, type Rule } from '../validation/rule.ts';
import type { Camera } from '../camera.ts';
import { maxClipBytes, type ClipCodec, type ClipFault } from './clip-format.ts';

/** Images by which a clip may differ from what its camera's rate says. */
const fewImages = 2;
/** Likewise, of those expected: cameras run a little beside their rate. */
const imageFraction = 0.002;
/** Half a period is tolerance, one is the phase of a camera that runs by itself. */
const mostOffsetPeriods = 1.5;
const mostDarkFraction = 0.5;
/** A clip of fewer images may show one thing. */
const leastMovingImages = 20;
const mostUnchangedFraction = 0.9;

/** What was measured of a clip before it is judged. */
export interface ClipFacts {
  readonly camera: Camera;
  /** The content that the episode names, and what it is. */
  readonly sha256: string;
  readonly gotSha256: string;
  readonly sizeBytes: number;
  /** Of the clip and of its episode by the corrected clock, µs since 1970 UTC. */
  readonly startedUs: number;
  readonly episodeStartedUs: number;
  /** As the episode says. */
  readonly durationMs: number;
  /** What all images look like, or why they cannot be looked at; undefined where size or content were wrong before that. */
  readonly seen: SeenClip | ClipRefusal | undefined;
}

export interface SeenClip {
  readonly codec: ClipCodec;
  readonly width: number;
  readonly height: number;
  /** µs after the first image. */
  readonly atUs: readonly number[];
  readonly dark: number;
  readonly unchanged: number;
}

export interface ClipRefusal {
  readonly fault: ClipFault;
  readonly message: string;
}

type ClipRule = Rule<ClipFacts>;

const isRefusal = (seen: ClipFacts['seen']): seen is ClipRefusal => seen !== undefined && 'fault' in seen;

/** A rule about what is seen of a clip; where nothing is, another rule says why. */
const ofSeen =
  (check: (seen: SeenClip, facts: ClipFacts) => Finding | undefined): ClipRule['check'] =>
  (facts) =>
    facts.seen === undefined || isRefusal(facts.seen) ? undefined : check(facts.seen, facts);

/** Images that a camera of this rate takes from the first to the last of so many µs, both counted. */
const expectedImages = (rateHz: number, spanUs: number): number => Math.round((spanUs / 1_000_000) * rateHz) + 1;

const size: ClipRule = {
  id: 'media.size',
  doc: 'A clip has at least one byte and at most 1 GiB.',
  waivable: false,
  check: ({ sizeBytes }) =>
    sizeBytes >= 1 && sizeBytes <= maxClipBytes ? undefined : about(`${sizeBytes} bytes`, `1 to ${maxClipBytes} bytes`),
};

const hash: ClipRule = {
  id: 'media.hash',
  doc: 'A clip has the content that its name and its episode promise.',
  waivable: false,
  check: ({ sha256, gotSha256 }) =>
    sha256 === gotSha256 ? undefined : about(`sha256 ${gotSha256}`, `sha256 ${sha256}`),
};

const decodes: ClipRule = {
  id: 'media.decodes',
  doc: 'Every image of a clip can be decoded, within limits on time, memory and pixels.',
  waivable: false,
  check: ({ seen }) =>
    isRefusal(seen) ? about(`${seen.fault}: ${seen.message}`, 'an MP4 clip whose every image decodes') : undefined,
};

const format: ClipRule = {
  id: 'media.format',
  doc: 'A clip has the size of its camera, and its codec or motion JPEG.',
  waivable: false,
  check: ofSeen(({ codec, width, height }, { camera }) => {
    const isRight = (codec === camera.codec || codec === 'jpeg') && width === camera.width && height === camera.height;
    const codecs = camera.codec === 'jpeg' ? 'jpeg' : `${camera.codec} or jpeg`;
    return isRight ? undefined : about(`${codec} ${width}×${height}`, `${codecs} ${camera.width}×${camera.height}`);
  }),
};

const frameCount: ClipRule = {
  id: 'media.frame-count',
  doc: 'A clip has as many images as its camera’s rate says for its duration, but for 2 or 0.2 % of them.',
  waivable: false,
  check: ofSeen(({ atUs }, { camera, durationMs }) => {
    // The duration may end with the last image or one period later.
    const spanUs = Math.max(atUs.at(-1) ?? 0, durationMs * 1000 - 1_000_000 / camera.rateHz);
    const expected = expectedImages(camera.rateHz, spanUs);
    const most = Math.max(fewImages, Math.floor(expected * imageFraction));
    const apart = Math.abs(atUs.length - expected);
    return apart <= most
      ? undefined
      : about(
          `${atUs.length} images over ${Math.round(spanUs / 1000)} ms`,
          `${expected} ± ${most} at ${camera.rateHz} Hz`,
        );
  }),
};

const timeOffset: ClipRule = {
  id: 'media.time-offset',
  doc: 'A clip starts within one period of its camera, the phase of a free-running one, and half a period beside the start of its episode.',
  waivable: false,
  check: ofSeen((_seen, { camera, startedUs, episodeStartedUs }) => {
    const offsetMs = (startedUs - episodeStartedUs) / 1000;
    const mostMs = (mostOffsetPeriods * 1000) / camera.rateHz;
    return Math.abs(offsetMs) <= mostMs
      ? undefined
      : about(`${offsetMs} ms after the start of the episode`, `at most ${mostMs} ms beside it`);
  }),
};

const black: ClipRule = {
  id: 'media.black',
  doc: 'At most half of the images of a clip are black: no part brighter than 16 of 255.',
  waivable: false,
  check: ofSeen(({ atUs, dark }) =>
    dark <= mostDarkFraction * atUs.length
      ? undefined
      : about(`${dark} of ${atUs.length} images black`, `at most ${mostDarkFraction * 100} %`),
  ),
};

const frozen: ClipRule = {
  id: 'media.frozen',
  doc: 'Over 20 images or more at most 90 % are the same as the one before (mean difference of at most 0.1 of 255).',
  waivable: false,
  check: ofSeen(({ atUs, unchanged }) =>
    atUs.length < leastMovingImages || unchanged <= mostUnchangedFraction * (atUs.length - 1)
      ? undefined
      : about(`${unchanged} of ${atUs.length - 1} images unchanged`, `at most ${mostUnchangedFraction * 100} %`),
  ),
};

/** Rules of a clip, in the order they are applied; docs/data.md lists the same. */
export const clipRules: readonly ClipRule[] = [size, hash, decodes, format, frameCount, timeOffset, black, frozen];

/** Broken by what a clip is beside one camera or episode, not by its content alone: it may be right for another one. */
export const episodeClipRules: ReadonlySet<string> = new Set([format.id, frameCount.id, timeOffset.id]);
