import { signalOf, type Signals } from './signals.ts';

/**
 * How much a frame is like the one before: the first autocorrelation Σ (xₜ − x̄)(xₜ₊₁ − x̄) / Σ (xₜ − x̄)² (Box & Jenkins, Time Series Analysis,
 * §2.1.5), the mean over all readings that change at all; from −1 to 1. n frames of an autocorrelation r are worth about n (1 − r) / (1 + r) independent ones
 * (Bayley & Hammersley 1946). Undefined where nothing changes. Time: two passes a reading.
 */
export function firstAutocorrelation(observations: Signals): number | undefined {
  let [sum, count] = [0, 0];
  for (let place = 0; place < observations.width; place += 1) {
    const signal = signalOf(observations, place);
    const mean = signal.reduce((total, value) => total + value, 0) / signal.length;
    let [products, squares] = [0, 0];
    for (const [frame, value] of signal.entries()) {
      squares += (value - mean) ** 2;
      if (frame > 0) products += (value - mean) * ((signal[frame - 1] ?? 0) - mean);
    }
    if (!(squares > smallest)) continue;
    sum += products / squares;
    count += 1;
  }
  return count === 0 ? undefined : sum / count;
}

/** Beneath it a sum of squares is rounding. */
const smallest = 1e-12;
