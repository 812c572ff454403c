import type { Camera } from '../../datasets/camera.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { camerasSeenBy } from '../../policies/seen-images.ts';
import type { ToJpeg } from './images/jpeg-clip.ts';
import { loadedPolicy, openModel, type LoadPorts, type OpenedPolicy } from './versions/policy-runtime.ts';
import type { RobotImages } from './versions/robot-images.ts';

/** 50th, 95th and 99th percentile (nearest rank) and the longest, ms. */
export interface Percentiles {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

export interface MeasuredDecisions {
  /** From opening the model to its readiness. */
  readonly openMs: number;
  /** Whole decisions, decoding of images included, as `decide` tells them. */
  readonly decision: Percentiles;
  /** Decoding and scaling of images within them; undefined for a model that does not see. */
  readonly decoding: Percentiles | undefined;
  /** Cameras that the model sees. */
  readonly cameras: readonly string[];
}

export interface DecisionsToMeasure {
  readonly ports: Omit<LoadPorts, 'onFailed'>;
  readonly model: Uint8Array;
  readonly file: string | undefined;
  readonly body: Omit<OpenedPolicy, 'session'>;
  /** Makes the images that a policy is shown. */
  readonly toJpeg: ToJpeg;
  /** Decisions before the measured ones: the first are slower. */
  readonly warmUp: number;
  readonly decisions: number;
}

/** Times decisions of a model on this machine as an agent makes them: in a process of its own, with JPEG images of its cameras' size. */
export async function measureDecisions(given: DecisionsToMeasure): Promise<MeasuredDecisions> {
  const { ports, model, file, body, toJpeg, warmUp, decisions } = given;
  const { robotType, monotonic } = ports;
  const startedMs = monotonic();
  const signal = AbortSignal.timeout(longestOpenMs);
  const session = await openModel(ports, model, body.sizes, { signal, ...(file === undefined ? {} : { file }) });
  const openMs = monotonic() - startedMs;
  const slot = { policy: 'bench', version: 'bench', sha256: '' };
  // A model that answers chunks is asked at each decision: what follows from a chunk takes no time.
  let asked = 0;
  const runBounds = (): number => (asked += 1);
  const policy = loadedPolicy({ ...ports, runBounds, onFailed: () => undefined }, slot, { session, ...body });
  try {
    const cameras = camerasSeenBy(session);
    const images = await imagesOf(robotType, cameras, toJpeg);
    const observation = robotType.observations.map(({ min, max }) => (min + max) / 2);
    const latencies: number[] = [];
    const decodings: number[] = [];
    for (let index = 0; index < warmUp + decisions; index += 1) {
      const { latencyMs, decodingMs } = await policy.decide(observation, body.tasks[0], images);
      if (index < warmUp) continue;
      latencies.push(latencyMs);
      if (decodingMs !== undefined) decodings.push(decodingMs);
    }
    const decoding = decodings.length === 0 ? undefined : percentilesOf(decodings);
    return { openMs, decision: percentilesOf(latencies), decoding, cameras };
  } finally {
    await policy.close();
  }
}

const longestOpenMs = 600_000;

/** A JPEG of each camera's size that is neither flat nor noise: a gradient with edges. */
async function imagesOf({ cameras = [] }: RobotType, names: readonly string[], toJpeg: ToJpeg): Promise<RobotImages> {
  const seen = cameras.filter(({ name }) => names.includes(name));
  const encoded = await Promise.all(
    seen.map(
      async (camera) =>
        [camera.name, { encoded: await toJpeg(camera, { format: 'raw', bytes: drawn(camera) }) }] as const,
    ),
  );
  return Object.fromEntries(encoded);
}

function drawn(camera: Camera): Buffer {
  const { width, height, colour } = camera;
  const channels = colour === 'rgb' ? 3 : 1;
  const bytes = Uint8Array.from({ length: width * height * channels }, (_, at) => {
    const [x, y] = [Math.floor(at / channels) % width, Math.floor(at / channels / width)];
    const isTile = (Math.floor(x / 24) + Math.floor(y / 24)) % 2 === 0;
    return ((x * 127) / width + (y * 96) / height + (isTile ? 32 : 0) + ((at * 2_654_435_761) % 11)) & 255;
  });
  return Buffer.from(bytes);
}

export function percentilesOf(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (fraction: number): number => sorted[Math.ceil(fraction * sorted.length) - 1] ?? Number.NaN;
  return { p50Ms: rank(0.5), p95Ms: rank(0.95), p99Ms: rank(0.99), longestMs: rank(1) };
}
