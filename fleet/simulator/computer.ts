import type { RandomStream } from '../../policies/random.ts';

/** What a decision takes whatever the model: reading the sensors, handing over the numbers. */
const leastLatencyMs = 10;
/** How much model the robot's computer works through in a millisecond. */
const bytesPerMs = 1_000_000;
/** Decisions differ by up to this much, either way. */
const jitterFraction = 0.1;

/**
 * How long the computer of a simulated robot takes for a decision, milliseconds. What it takes here says nothing about a
 * robot: here many robots share one call, and the machine does other work beside it.
 */
export const decisionLatencyMs = (modelSizeBytes: number, random: RandomStream): number =>
  (leastLatencyMs + modelSizeBytes / bytesPerMs) * (1 + jitterFraction * (2 * random() - 1));
