/** What makes one robot different from its sisters, for as long as it lives. */
export interface Quirks {
  /** Standard deviation added to every reading, metres. */
  readonly noiseM: number;
  /** Added to every reading, metres. */
  readonly biasM: number;
  /** 1-based numbers of the sensors that noise and bias concern; all unless told. */
  readonly sensors?: readonly number[] | undefined;
  /** 1-based number of a sensor that always says the same. */
  readonly deadSensor?: number | undefined;
  /** Share of the usual speed, 0–1. */
  readonly speedFraction: number;
}

export const noQuirks: Quirks = { noiseM: 0, biasM: 0, speedFraction: 1 };
