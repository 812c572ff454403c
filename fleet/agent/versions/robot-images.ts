import { imagesOfPort, imageWindows } from '../../../policies/image-windows.ts';
import { uint8Tensor, type ModelPort, type Tensor } from '../../../policies/runtime.ts';
import { imagePort } from '../../../policies/images/camera-layers.ts';
import { cameraOfPort, MissingImage, pictureBytes, type SeenCamera } from '../../../policies/seen-images.ts';

/** An image that is not at the learned size yet: JPEG or PNG as it came, or RGB of any size. */
export type UnscaledImage =
  | { readonly encoded: Uint8Array }
  | { readonly rgb: Uint8Array; readonly width: number; readonly height: number };

/** What a camera saw: RGB of exactly the learned size (red, green, blue of each pixel, row by row), or what is to be scaled to it. */
export type RobotImage = Uint8Array | UnscaledImage;

/** By name of the camera; those that the model does not see are left out. */
export type RobotImages = Readonly<Record<string, RobotImage>>;

/** An input of the model that is decoded and scaled where the model runs. */
export interface PictureFeed {
  readonly port: string;
  readonly image: UnscaledImage;
  readonly width: number;
  readonly height: number;
  /** Where the model sees several images of the camera at once: how many, and RGB of those before, oldest first. */
  readonly window?: { readonly images: number; readonly before: Uint8Array };
}

/** What the model is fed with, once the image is RGB of the size that it sees. */
export function fedPicture({ width, height, window }: Omit<PictureFeed, 'port' | 'image'>, rgb: Uint8Array): Tensor {
  if (window === undefined) return uint8Tensor(rgb, [1, height, width, 3]);
  const { images, before } = window;
  const all = imageWindows(Buffer.concat([before, rgb]), 1, width * height * 3, images);
  return uint8Tensor(all, [1, images, height, width, 3]);
}

/** What cannot be decoded is the camera's fault or the program's, not the model's. */
export class BadImage extends MissingImage {
  constructor(message: string) {
    super(message);
    this.name = 'BadImage';
  }
}

/** Bytes of an encoded image, and pixels along a side, at most. */
export const mostEncodedBytes = 32 * 1024 * 1024;
export const mostPixelsOfSide = 4096;

export interface GivenImages {
  /** RGB of the learned size, by camera: that of the present frame. */
  readonly ready: ReadonlyMap<string, Uint8Array>;
  readonly unscaled: readonly PictureFeed[];
}

/** The images that a model sees among those given, `before` those of frames before; throws `MissingImage` or `BadImage`, in words, where one is not there or cannot be one. */
export function givenImages(
  session: { readonly inputs: readonly ModelPort[] },
  cameras: readonly SeenCamera[],
  images: RobotImages,
  before: (camera: string) => Uint8Array = () => new Uint8Array(0),
): GivenImages {
  const ready = new Map<string, Uint8Array>();
  const unscaled: PictureFeed[] = [];
  for (const port of session.inputs) {
    const name = cameraOfPort(port.name);
    if (name === undefined) continue;
    const camera = cameras.find((each) => each.name === name);
    const image = Object.hasOwn(images, name) ? images[name] : undefined;
    if (camera === undefined || image === undefined || image === null)
      throw new MissingImage(`expected an image of camera ${name}, which the model sees, got none`);
    const problem = problemOf(image, camera);
    if (problem !== undefined) throw new BadImage(`expected an image of camera ${name}: ${problem}`);
    const { width, height } = camera;
    if (image instanceof Uint8Array) ready.set(name, image);
    else {
      const seen = imagesOfPort(port);
      const window = seen === 1 ? {} : { window: { images: seen, before: before(name) } };
      unscaled.push({ port: imagePort(name), image, width, height, ...window });
    }
  }
  return { ready, unscaled };
}

/** Undefined for what can be an image, as far as that is seen without decoding it. */
function problemOf(image: RobotImage, camera: SeenCamera): string | undefined {
  if (image instanceof Uint8Array) {
    const wanted = pictureBytes(camera);
    const size = `${camera.width} × ${camera.height} pixels`;
    return image.length === wanted
      ? undefined
      : `RGB of ${size} has ${wanted} bytes, got ${image.length}; give JPEG or PNG as { encoded }, other sizes as { rgb, width, height }`;
  }
  if ('encoded' in image) {
    if (!(image.encoded instanceof Uint8Array)) return 'expected bytes as encoded';
    if (image.encoded.length > mostEncodedBytes)
      return `at most ${mostEncodedBytes} bytes, got ${image.encoded.length}`;
    return isJpegOrPng(image.encoded) ? undefined : 'neither the marks of a JPEG nor of a PNG';
  }
  const { rgb, width, height } = image;
  const isSide = (side: number): boolean => Number.isInteger(side) && side >= 1 && side <= mostPixelsOfSide;
  if (!isSide(width) || !isSide(height)) return `1 to ${mostPixelsOfSide} pixels along a side`;
  if (rgb instanceof Uint8Array && rgb.length === width * height * 3) return undefined;
  return `RGB of ${width} × ${height} pixels has ${width * height * 3} bytes, got others`;
}

/** No other format is decoded: a decoder of vectors or archives has no business on a robot. */
function isJpegOrPng(bytes: Uint8Array): boolean {
  const starts = (marks: readonly number[]): boolean => marks.every((mark, index) => bytes[index] === mark);
  return starts([0xff, 0xd8, 0xff]) || starts([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
}
