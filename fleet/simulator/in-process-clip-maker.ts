import { makeJpegClip, type ClipMaker, type ToJpeg } from '../agent/index.ts';

/**
 * Makes clips of motion JPEG in the simulator's own process: its images are its own, so that nobody is to be kept safe from them, and
 * many robots share the machine. It encodes no H.264 or AV1.
 */
export const inProcessClipMaker = (toJpeg: ToJpeg): ClipMaker => ({
  check: async (cameras) =>
    cameras.some(({ codec }) => codec !== 'jpeg') ? 'clips that are made in this process stay motion JPEG' : undefined,
  async make(log, target, signal) {
    const { camera: _, ...made } = await makeJpegClip(log, target, toJpeg, () => signal.throwIfAborted());
    return made;
  },
});
