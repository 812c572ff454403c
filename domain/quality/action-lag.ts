import { framesOf, signalOf, type Signals } from './signals.ts';

/** A command and the reading that measures it, by their places. */
export interface MeasuredPair {
  readonly action: number;
  readonly observation: number;
}

/** Frames by which a reading may follow its command. */
export const mostLagFrames = 30;
/** A weaker correlation says nothing of when the reading follows. */
export const leastCorrelation = 0.5;

/**
 * Frames by which readings follow their commands: the lag of 0 to 30 at which the mean correlation of command and reading is greatest (time-delay
 * estimation by cross-correlation: Knapp & Carter, IEEE Trans. ASSP 24(4), 1976, without weighting). The smallest lag of equal ones. Undefined without pairs,
 * with fewer than 8 frames, or where no lag has a correlation of one half. Time: frames × lags × pairs.
 */
export function actionLagFrames(
  actions: Signals,
  observations: Signals,
  pairs: readonly MeasuredPair[],
): number | undefined {
  const frames = Math.min(framesOf(actions), framesOf(observations));
  const lags = Math.min(mostLagFrames, Math.floor(frames / 4));
  if (frames < 8) return undefined;
  const signals = pairs.map(
    ({ action, observation }) => [signalOf(actions, action), signalOf(observations, observation)] as const,
  );
  let best: { readonly lag: number; readonly correlation: number } | undefined;
  for (let lag = 0; lag <= lags; lag += 1) {
    const found = signals.flatMap(([command, reading]) => correlation(command, reading, frames, lag) ?? []);
    if (found.length === 0) return undefined;
    const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
    if (best === undefined || mean > best.correlation + rounding) best = { lag, correlation: mean };
  }
  return best !== undefined && best.correlation >= leastCorrelation ? best.lag : undefined;
}

const rounding = 1e-9;

/** Pearson's, of the command with the reading so many frames later; undefined where one of them does not change. */
function correlation(command: Float64Array, reading: Float64Array, frames: number, lag: number): number | undefined {
  const count = frames - lag;
  let [x, y, xx, yy, xy] = [0, 0, 0, 0, 0];
  for (let frame = 0; frame < count; frame += 1) {
    const [a, b] = [command[frame] ?? 0, reading[frame + lag] ?? 0];
    x += a;
    y += b;
    xx += a * a;
    yy += b * b;
    xy += a * b;
  }
  const [vx, vy] = [xx - (x * x) / count, yy - (y * y) / count];
  if (!(vx > 1e-12) || !(vy > 1e-12)) return undefined;
  return (xy - (x * y) / count) / Math.sqrt(vx * vy);
}
