/** A ray along the floor from a point, metres; the direction need not be a unit vector. */
export interface Ray {
  readonly x: number;
  readonly y: number;
  readonly directionX: number;
  readonly directionY: number;
}
