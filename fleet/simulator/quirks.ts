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
  /** Nothing is wrong with its cameras unless told. */
  readonly camera?: CameraQuirks | undefined;
}

/** What is wrong with the cameras of a robot, and with the light that it drives in. */
export interface CameraQuirks {
  /** Light, relative to the usual. */
  readonly lightFraction: number;
  /** Doublings of the image's values by the sensor, its noise included; negative halves them. */
  readonly exposureStops: number;
  /** Standard deviation of the blur, as a share of the image's width. */
  readonly blurFraction: number;
  /** Share of the image that dirt on the lens covers. */
  readonly dirtFraction: number;
  /** Whether it lies elsewhere in every episode, as drops of rain do; unless told, it stays where it fell. */
  readonly dirtMoves?: boolean | undefined;
}

export const noCameraQuirks: CameraQuirks = { lightFraction: 1, exposureStops: 0, blurFraction: 0, dirtFraction: 0 };

export const noQuirks: Quirks = { noiseM: 0, biasM: 0, speedFraction: 1 };
