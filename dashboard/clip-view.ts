import { h, type ComponentChild } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { ClipImagesAnswer } from '../console/answers/clips.ts';
import type { EpisodeAnswer } from '../console/answers/episodes.ts';
import { ask, askBytes } from './ask.ts';
import { ClipImages, ClipTrouble, imageAt, type ClipPlaces, type ReadBytes } from './clip-images.ts';
import { numberText } from './format.ts';
import type { Pass } from './pass.ts';
import { apiPath } from './route.ts';
import { stateBox } from './states.ts';

type Episode = NonNullable<EpisodeAnswer['episode']>;
type Clip = Episode['clips'][number];

interface ClipViewsProps {
  readonly episode: Episode;
  readonly episodeId: string;
  /** Instant of the frame that is looked at, from the start of the episode. */
  readonly atMs: number;
  readonly pass: Pass;
}

/** What each camera saw at the frame that is looked at; where there is no clip, why. Nothing for robots without cameras. */
export const ClipViews = ({ episode, episodeId, atMs, pass }: ClipViewsProps): ComponentChild =>
  episode.clips.length === 0
    ? null
    : h(
        'div',
        { class: 'clips', role: 'group', 'aria-label': 'What its cameras saw' },
        episode.clips.map((clip) => {
          const why = whyNone(clip);
          const { camera, sha256, state } = clip;
          const path = `episodes/${encodeURIComponent(episodeId)}/clips/${encodeURIComponent(camera)}`;
          const of = { robot: episode.robotId, sha256: sha256 ?? '' };
          return why === null
            ? h(ClipView, {
                clip,
                atMs,
                pass,
                imagesPath: apiPath(`${path}/images`, of),
                bytesPath: apiPath(path, of),
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
  readonly pass: Pass;
  readonly imagesPath: string;
  readonly bytesPath: string;
}

function ClipView({ clip, atMs, pass, imagesPath, bytesPath }: ClipViewProps): ComponentChild {
  const { camera, startedMs, state } = clip;
  const [places, setPlaces] = useState<ClipPlaces | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [tries, setTries] = useState(0);
  usePlaces({ path: imagesPath, pass, tries, setPlaces, setTrouble });
  const canvas = useRef<HTMLCanvasElement>(null);
  const sinceFirstMs = atMs - (startedMs ?? 0);
  const index = places === null ? -1 : imageAt(places.atUs, sinceFirstMs);
  useDrawing({ canvas, places, index, bytesPath, pass, tries, setTrouble });
  const tryAgain = (): void => {
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

const againMs = 5_000;

interface Asking {
  readonly path: string;
  readonly pass: Pass;
  /** How often the viewer asked for another try. */
  readonly tries: number;
  readonly setPlaces: (places: ClipPlaces) => void;
  readonly setTrouble: (trouble: string) => void;
}

/** Where images lie never changes: it is asked for until it is told. */
function usePlaces({ path, pass, tries, setPlaces, setTrouble }: Asking): void {
  useEffect(() => {
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      const answer = await ask<ClipImagesAnswer>(path, pass, end.signal);
      if (answer.kind === 'read')
        return answer.data.state === 'read' ? setPlaces(answer.data) : setTrouble(answer.data.reason);
      if (answer.kind === 'refused' && !passing.has(answer.type)) return setTrouble(answer.message);
      timer = setTimeout(() => void look().catch(() => undefined), againMs);
    };
    look().catch(() => undefined);
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, [path, pass, tries, setPlaces, setTrouble]);
}

/** Refusals that a later question may not meet. */
const passing: ReadonlySet<string> = new Set(['tooMany', 'storeUnavailable', 'internal']);

interface Drawing {
  readonly canvas: { readonly current: HTMLCanvasElement | null };
  readonly places: ClipPlaces | null;
  readonly index: number;
  readonly bytesPath: string;
  readonly pass: Pass;
  readonly tries: number;
  readonly setTrouble: (trouble: string) => void;
}

/** Draws the image that is looked at; while one is decoded, the last one that was asked for waits, and those between are passed over. */
function useDrawing({ canvas, places, index, bytesPath, pass, tries, setTrouble }: Drawing): void {
  const wanted = useRef(index);
  const painter = useMemo(
    () => (places === null ? null : painterOf(places, bytesPath, pass)),
    [places, bytesPath, pass],
  );
  useEffect(() => () => painter?.end(), [painter]);
  useEffect(() => {
    wanted.current = index;
    if (painter === null || canvas.current === null) return;
    painter.draw(canvas.current, wanted, setTrouble);
  }, [painter, index, canvas, tries, setTrouble]);
}

interface Painter {
  draw(canvas: HTMLCanvasElement, wanted: { readonly current: number }, onTrouble: (trouble: string) => void): void;
  end(): void;
}

function painterOf(places: ClipPlaces, path: string, pass: Pass): Painter {
  const end = new AbortController();
  const images = new ClipImages(places, readerOf(path, pass, end.signal));
  let isDrawing = false;
  const draw = async (canvas: HTMLCanvasElement, wanted: { readonly current: number }): Promise<void> => {
    for (let drawn: number | undefined; drawn !== wanted.current && !end.signal.aborted;) {
      drawn = wanted.current;
      const image = drawn < 0 ? null : await images.image(drawn);
      if (end.signal.aborted) return;
      const { width, height } = canvas;
      const context = canvas.getContext('2d');
      context?.clearRect(0, 0, width, height);
      if (image !== null) context?.drawImage(image, 0, 0, width, height);
      // What is on the screen, for whoever looks by program.
      canvas.dataset['image'] = String(drawn);
    }
  };
  return {
    draw: (canvas, wanted, onTrouble) => {
      if (isDrawing) return;
      isDrawing = true;
      draw(canvas, wanted)
        .catch((error: unknown) => {
          if (!end.signal.aborted)
            onTrouble(error instanceof ClipTrouble ? error.message : 'this browser failed at it');
        })
        .finally(() => {
          isDrawing = false;
        });
    },
    end: () => {
      end.abort();
      images.close();
    },
  };
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
