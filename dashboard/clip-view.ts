import { h, type ComponentChild } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { EpisodeAnswer } from '../console/answers/episodes.ts';
import { ClipTrouble, imageAt, type ClipPlaces } from './clip-images.ts';
import type { ClipPaths, ClipShelf, OpenClip } from './clip-shelf.ts';
import { numberText } from './format.ts';
import { apiPath } from './route.ts';
import { stateBox } from './states.ts';

type Episode = NonNullable<EpisodeAnswer['episode']>;
type Clip = Episode['clips'][number];

interface ClipViewsProps {
  readonly episode: Episode;
  readonly episodeId: string;
  /** Instant of the frame that is looked at, from the start of the episode. */
  readonly atMs: number;
  readonly shelf: ClipShelf;
}

/** Where the clips of an episode are asked for that can be seen. */
export const clipPathsOf = (
  episodeId: string,
  { robotId, clips }: Pick<Episode, 'robotId' | 'clips'>,
): readonly ClipPaths[] =>
  clips.filter((clip) => whyNone(clip) === null).map((clip) => pathsOf(episodeId, robotId, clip));

function pathsOf(episodeId: string, robot: string, { camera, sha256 }: Clip): ClipPaths {
  const path = `episodes/${encodeURIComponent(episodeId)}/clips/${encodeURIComponent(camera)}`;
  const of = { robot, sha256: sha256 ?? '' };
  return { imagesPath: apiPath(`${path}/images`, of), bytesPath: apiPath(path, of) };
}

/** What each camera saw at the frame that is looked at; where there is no clip, why. Nothing for robots without cameras. */
export const ClipViews = ({ episode, episodeId, atMs, shelf }: ClipViewsProps): ComponentChild =>
  episode.clips.length === 0
    ? null
    : h(
        'div',
        { class: 'clips', role: 'group', 'aria-label': 'What its cameras saw' },
        episode.clips.map((clip) => {
          const why = whyNone(clip);
          const { camera, sha256, state } = clip;
          return why === null
            ? h(ClipView, {
                clip,
                atMs,
                shelf,
                paths: pathsOf(episodeId, episode.robotId, clip),
                key: `${camera} ${sha256} ${state}`,
              })
            : h('figure', { key: camera }, [stateBox('noData', why), h('figcaption', null, `Camera ${camera}`)]);
        }),
      );

/** Why there is nothing to see of a camera, in a sentence; null: there is. */
export function whyNone({ camera, state, violations }: Clip): string | null {
  if (state === 'here' || state === 'notJudged') return null;
  if (state === 'keptOnRobot') return `Images of the camera ${camera} may not leave the robot.`;
  if (state === 'none')
    return `The robot kept no clip of ${camera}: it recorded no image, its disk had no room, or the clip could not be made.`;
  if (state === 'awaited')
    return `The robot has not uploaded the clip of ${camera} yet. Clips go after recordings, failures first, a limited number of bytes a day; plain successes may be given up.`;
  if (state === 'deleted') return `The clip of ${camera} was deleted: its time was over, or it was erased.`;
  const rules = violations.map(({ rule, value, expected }) => `${rule}: ${value}, expected ${expected}`);
  return `The clip of ${camera} was refused and is in quarantine${rules.length === 0 ? '' : ` (${rules.join('; ')})`}.`;
}

interface ClipViewProps {
  readonly clip: Clip;
  readonly atMs: number;
  readonly shelf: ClipShelf;
  readonly paths: ClipPaths;
}

function ClipView({ clip, atMs, shelf, paths }: ClipViewProps): ComponentChild {
  const { camera, startedMs, state } = clip;
  const [trouble, setTrouble] = useState<string | null>(null);
  const [tries, setTries] = useState(0);
  const [open, places] = useClip({ shelf, paths, tries, setTrouble });
  const canvas = useRef<HTMLCanvasElement>(null);
  const sinceFirstMs = atMs - (startedMs ?? 0);
  const index = places === null ? -1 : imageAt(places.atUs, sinceFirstMs);
  useDrawing({ canvas, open, places, index, tries, setTrouble });
  const tryAgain = (): void => {
    shelf.drop(paths);
    setTrouble(null);
    setTries(tries + 1);
  };
  if (trouble !== null)
    return h('figure', null, [
      stateBox('noData', `The clip cannot be shown: ${trouble}.`),
      h('button', { type: 'button', onClick: tryAgain }, `Try again: clip of ${camera}`),
      h('figcaption', null, `Camera ${camera}`),
    ]);
  const caption = places === null ? `Camera ${camera}: loading …` : captionOf(clip, places, index, sinceFirstMs);
  return h('figure', null, [
    h('canvas', {
      ref: canvas,
      role: 'img',
      'aria-label': caption,
      width: places?.width ?? 320,
      height: places?.height ?? 240,
    }),
    h('figcaption', null, [
      caption,
      state === 'notJudged' ? ' No collection has looked at this clip yet: it may be of another time.' : null,
    ]),
  ]);
}

/** Which image it is, and how old it was at the frame. */
export function captionOf(
  { camera, periodMs }: Pick<Clip, 'camera' | 'periodMs'>,
  { atUs }: Pick<ClipPlaces, 'atUs'>,
  index: number,
  sinceFirstMs: number,
): string {
  if (index < 0) return `Camera ${camera}: no image yet; the first comes ${seconds(-sinceFirstMs)} later.`;
  const ageMs = sinceFirstMs - (atUs[index] ?? 0) / 1_000;
  // Older than that, an image says nothing of a frame: nothing is learned from it either.
  const isOld = ageMs > 2 * periodMs;
  return `Camera ${camera}: image ${index + 1} of ${atUs.length}, ${seconds(ageMs)} before this frame${isOld ? ': too old to say what was there' : ''}.`;
}

const seconds = (ms: number): string => `${numberText(Math.max(0, ms) / 1_000, 2)} s`;

interface Looking {
  readonly shelf: ClipShelf;
  readonly paths: ClipPaths;
  /** How often the viewer asked for another try. */
  readonly tries: number;
  readonly setTrouble: (trouble: string) => void;
}

/** The clip that is looked at, and where its images lie: at once where that is known already. */
function useClip({ shelf, paths: { imagesPath, bytesPath }, tries, setTrouble }: Looking) {
  const [held, hold] = useState<readonly [OpenClip, ClipPlaces | null] | null>(null);
  // Before anything is painted: what is known already is drawn at once.
  useLayoutEffect(() => {
    const paths = { imagesPath, bytesPath };
    const clip = shelf.look(paths);
    hold([clip, clip.places]);
    if (clip.places === null)
      clip.read().then(
        (places) => clip.isClosed || hold([clip, places]),
        (error: unknown) => clip.isClosed || setTrouble(troubleOf(error)),
      );
    return () => shelf.letGo(paths);
  }, [shelf, imagesPath, bytesPath, tries, setTrouble]);
  return held ?? ([null, null] as const);
}

const troubleOf = (error: unknown): string =>
  error instanceof ClipTrouble ? error.message : 'this browser failed at it';

interface Drawing {
  readonly canvas: { readonly current: HTMLCanvasElement | null };
  readonly open: OpenClip | null;
  readonly places: ClipPlaces | null;
  readonly index: number;
  readonly tries: number;
  readonly setTrouble: (trouble: string) => void;
}

/** Draws the image that is looked at; while one is decoded, the last one that was asked for waits, and those between are passed over. */
function useDrawing({ canvas, open, places, index, tries, setTrouble }: Drawing): void {
  const wanted = useRef(index);
  const painter = useMemo(() => (open === null ? null : painterOf(open)), [open]);
  useEffect(() => {
    wanted.current = index;
    if (painter === null || places === null || canvas.current === null) return;
    painter(canvas.current, wanted, setTrouble);
  }, [painter, places, index, canvas, tries, setTrouble]);
}

type Painter = (
  canvas: HTMLCanvasElement,
  wanted: { readonly current: number },
  onTrouble: (trouble: string) => void,
) => void;

function painterOf(clip: OpenClip): Painter {
  let isDrawing = false;
  const draw = async (canvas: HTMLCanvasElement, wanted: { readonly current: number }): Promise<void> => {
    for (let drawn: number | undefined; drawn !== wanted.current && !clip.isClosed;) {
      drawn = wanted.current;
      const image = drawn < 0 ? null : await clip.image(drawn);
      if (clip.isClosed) return;
      const { width, height } = canvas;
      const context = canvas.getContext('2d');
      context?.clearRect(0, 0, width, height);
      if (image !== null) context?.drawImage(image, 0, 0, width, height);
      // What is on the screen, for whoever looks by program.
      canvas.dataset['image'] = String(drawn);
    }
  };
  return (canvas, wanted, onTrouble) => {
    if (isDrawing) return;
    isDrawing = true;
    draw(canvas, wanted)
      .catch((error: unknown) => clip.isClosed || onTrouble(troubleOf(error)))
      .finally(() => {
        isDrawing = false;
      });
  };
}
