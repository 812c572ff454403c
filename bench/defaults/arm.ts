/** Kinematics of a six-joint arm with the measures of a UR3 (Denavit–Hartenberg, metres and radians). */
export const armJoints = 6;

const joints = [
  { d: 0.1519, a: 0, alpha: Math.PI / 2 },
  { d: 0, a: -0.24365, alpha: 0 },
  { d: 0, a: -0.21325, alpha: 0 },
  { d: 0.11235, a: 0, alpha: Math.PI / 2 },
  { d: 0.08535, a: 0, alpha: -Math.PI / 2 },
  { d: 0.0819, a: 0, alpha: 0 },
] as const;

type Vector = readonly [number, number, number];
type Matrix = readonly [Vector, Vector, Vector];

const difference = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Origin of the tool, and of every joint its origin and axis, for joint angles in radians. */
function pose(angles: ArrayLike<number>): { tool: Vector; joints: readonly { origin: Vector; axis: Vector }[] } {
  let [x, y, z]: Vector[] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  let origin: Vector = [0, 0, 0];
  const found = joints.map(({ d, a, alpha }, index) => {
    const [before, axis] = [origin, z as Vector];
    const [cos, sin] = [Math.cos(angles[index] ?? 0), Math.sin(angles[index] ?? 0)];
    const mix = (u: Vector, v: Vector, p: number, q: number): Vector => [
      p * u[0] + q * v[0],
      p * u[1] + q * v[1],
      p * u[2] + q * v[2],
    ];
    const nextX = mix(x as Vector, y as Vector, cos, sin);
    const turned = mix(y as Vector, x as Vector, cos, -sin);
    const shift = mix(nextX, axis, a, d);
    origin = [before[0] + shift[0], before[1] + shift[1], before[2] + shift[2]];
    y = mix(turned, axis, Math.cos(alpha), Math.sin(alpha));
    z = mix(axis, turned, Math.cos(alpha), -Math.sin(alpha));
    x = nextX;
    return { origin: before, axis };
  });
  return { tool: origin, joints: found };
}

/** Where the tool is, metres. */
export const toolAt = (angles: ArrayLike<number>): Vector => pose(angles).tool;

const damping = 0.1;
const gainPerSecond = 2;
/** Fastest joint, rad/s. */
export const fastestJoint = 1;

/**
 * What the expert does: joint velocities towards the target by damped least squares (Wampler 1986), v = Jᵀ(JJᵀ + λ²I)⁻¹ · gain · error,
 * each cut at ± `fastestJoint`.
 */
export function armExpert(angles: ArrayLike<number>, target: Vector): Float32Array {
  const { tool, joints: links } = pose(angles);
  const columns = links.map(({ origin, axis }) => cross(axis, difference(tool, origin)));
  const entry = (row: 0 | 1 | 2, column: 0 | 1 | 2): number =>
    columns.reduce((sum, vector) => sum + vector[row] * vector[column], row === column ? damping ** 2 : 0);
  const matrix: Matrix = [
    [entry(0, 0), entry(0, 1), entry(0, 2)],
    [entry(1, 0), entry(1, 1), entry(1, 2)],
    [entry(2, 0), entry(2, 1), entry(2, 2)],
  ];
  const wanted = solved(matrix, difference(target, tool));
  return Float32Array.from(columns, (column) =>
    Math.max(-fastestJoint, Math.min(fastestJoint, gainPerSecond * dot(column, wanted))),
  );
}

/** Cramer's rule; the damping keeps the determinant away from zero. */
function solved([a, b, c]: Matrix, right: Vector): Vector {
  const determinant = dot(a, cross(b, c));
  // A symmetric matrix: its rows are its columns.
  return [
    dot(right, cross(b, c)) / determinant,
    dot(a, cross(right, c)) / determinant,
    dot(a, cross(b, right)) / determinant,
  ];
}
