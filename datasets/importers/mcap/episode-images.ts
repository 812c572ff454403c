import { camerasOf, type Camera } from '../../camera.ts';
import { deterministicUlid } from '../../deterministic-ulid.ts';
import { jpegSize } from '../../media/jpeg-size.ts';
import { ClipError } from '../../media/clip-format.ts';
import { robotTypeName, type RobotType } from '../../robot-type.ts';
import { clipOfImages, type ClipToLand, type RecordedImage } from '../episode-clip.ts';
import type { ImportMap } from '../import-map.ts';
import { ImportError, quoted } from '../import-summary.ts';
import type { EpisodeClip, SourceEpisode } from '../source-episode.ts';
import type { Tally } from '../tally.ts';
import { McapProblem } from './byte-cursor.ts';
import { topicField, type TopicField } from './field-path.ts';
import type { MessageType, ReadBytes } from './message-type.ts';
import type { Message } from './topics.ts';

/** Bytes of an image, as of those that a robot records. */
const mostImageBytes = 8 * 1024 * 1024;
/** Bytes of images that wait for the end of their episode, of all cameras together. */
const mostWaitingBytes = 256 * 1024 * 1024;

interface CameraOfMap {
  readonly camera: Camera;
  readonly field: TopicField;
  readonly images: RecordedImage[];
  lastUs: number;
}

/** The images of a recording: they wait, as they are, for the episode in whose time they were taken, and become a clip of it for each camera. */
export class EpisodeImages {
  readonly #cameras: readonly CameraOfMap[];
  readonly #topics: ReadonlySet<string>;
  readonly #tally: Tally;
  readonly #readers = new WeakMap<MessageType, Map<string, ReadBytes>>();
  #waitingBytes = 0;

  /** `ImportError` for a map with cameras that the robot type does not have, or whose images may not leave the robot. */
  constructor({ mcap }: ImportMap, type: RobotType, tally: Tally) {
    this.#tally = tally;
    this.#cameras = (mcap?.cameras ?? []).map(({ name, column }, index, all) => {
      const camera = camerasOf(type).find((each) => each.name === name);
      const isTwice = all.findIndex((each) => each.name === name) < index;
      if (camera === undefined || isTwice)
        throw new ImportError(
          `map, mcap.cameras: expected cameras of ${robotTypeName(type)}, each once, got ${quoted(name)}`,
        );
      if (!camera.mayLeaveRobot)
        throw new ImportError(`map, mcap.cameras: expected a camera whose images may leave the robot, got ${name}`);
      return { camera, field: topicField(column), images: [], lastUs: -1 };
    });
    this.#topics = new Set(this.#cameras.map(({ field }) => field.topic));
  }

  isCamera = (topic: string): boolean => this.#topics.has(topic);

  take({ channel, atUs, data }: Message): void {
    const { topic, type } = channel;
    if ('reason' in type) return;
    for (const camera of this.#cameras) {
      if (camera.field.topic !== topic) continue;
      const jpeg = this.#jpegOf(camera, type, data);
      if (typeof jpeg === 'string') this.#tally.leftOut('message', jpeg, topic);
      else if (atUs <= camera.lastUs) this.#tally.leftOut('message', 'an image not later than the one before', topic);
      else this.#keep(camera, { atUs, jpeg });
    }
  }

  /** The image, or why there is none. */
  #jpegOf({ camera, field }: CameraOfMap, type: MessageType, data: Uint8Array): Uint8Array | string {
    const read = this.#readerOf(type, field);
    try {
      const bytes = read(data);
      if (bytes === undefined) return 'without an image';
      if (bytes.length > mostImageBytes) return `an image of more than ${mostImageBytes} bytes`;
      const { width, height } = jpegSize(bytes);
      // A copy: a view would keep the whole chunk.
      return width === camera.width && height === camera.height
        ? new Uint8Array(bytes)
        : `no image of ${camera.width} × ${camera.height} pixels, the size of camera ${camera.name}`;
    } catch (error) {
      if (error instanceof ClipError) return 'no JPEG image';
      if (error instanceof McapProblem) return error.message;
      throw error;
    }
  }

  #readerOf(type: MessageType, { topic, path, steps }: TopicField): ReadBytes {
    const readers = this.#readers.get(type) ?? new Map<string, ReadBytes>();
    this.#readers.set(type, readers);
    try {
      const read = readers.get(path) ?? type.bytes(steps);
      readers.set(path, read);
      return read;
    } catch (error) {
      if (!(error instanceof McapProblem)) throw error;
      throw new ImportError(`expected the bytes of an image at ${path} of topic ${topic}, got ${error.message}`);
    }
  }

  #keep(camera: CameraOfMap, image: RecordedImage): void {
    camera.images.push(image);
    camera.lastUs = image.atUs;
    this.#waitingBytes += image.jpeg.length;
    while (this.#waitingBytes > mostWaitingBytes && camera.images.length > 0)
      this.#drop(camera, 1, `an image whose episode did not end within ${mostWaitingBytes} bytes of images`);
  }

  #drop({ images, field }: CameraOfMap, count: number, reason: string | undefined): readonly RecordedImage[] {
    const dropped = images.splice(0, count);
    for (const { jpeg } of dropped) this.#waitingBytes -= jpeg.length;
    if (reason !== undefined) this.#tally.leftOut('message', reason, field.topic, count);
    return dropped;
  }

  /** The episode with a clip of each camera that took images during it, or at most one of its periods beside it; each clip is landed before. */
  async withClips(
    episode: SourceEpisode,
    site: string,
    landClip: (clip: ClipToLand) => Promise<void>,
  ): Promise<SourceEpisode> {
    const clips: EpisodeClip[] = [];
    const [startUs, endUs] = [episode.frames.atUs[0] ?? 0, episode.frames.atUs.at(-1) ?? 0];
    const episodeId = episode.id ?? deterministicUlid(episode.name, Math.floor(startUs / 1000));
    for (const each of this.#cameras) {
      const { camera } = each;
      const periodUs = 1e6 / camera.rateHz;
      this.#drop(
        each,
        countWhile(each.images, ({ atUs }) => atUs < startUs - periodUs),
        outside,
      );
      const during = countWhile(each.images, ({ atUs }) => atUs <= endUs + periodUs);
      const images = this.#drop(each, during, undefined);
      if (images.length === 0) continue;
      const { bytes, clip } = await clipOfImages(camera, images);
      const { robotId } = episode;
      await landClip({
        robotId,
        site: episode.site ?? site,
        episodeId,
        camera: camera.name,
        sha256: clip.sha256,
        bytes,
        startedAtUs: clip.startedAt,
      });
      this.#tally.handled('images', images.length);
      clips.push(clip);
    }
    return clips.length === 0 ? episode : { ...episode, clips };
  }

  /** What comes next has nothing to do with what came before. */
  reset(): void {
    for (const camera of this.#cameras) {
      this.#drop(camera, camera.images.length, outside);
      camera.lastUs = -1;
    }
  }
}

const outside = 'an image outside of episodes that were taken';

function countWhile<T>(values: readonly T[], holds: (value: T) => boolean): number {
  const end = values.findIndex((value) => !holds(value));
  return end < 0 ? values.length : end;
}
