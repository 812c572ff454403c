/** Nodes and weights of a quadrature rule on an interval. */
export interface Quadrature {
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
}

const rules = new Map<number, Quadrature>();

/** Gauss–Legendre rule with `count` nodes on [low, high]; exact for polynomials of degree 2·count - 1 (Abramowitz & Stegun 25.4.30). */
export function gaussLegendre(count: number, low: number, high: number): Quadrature {
  const unit = rules.get(count) ?? unitRule(count);
  rules.set(count, unit);
  const half = (high - low) / 2;
  return {
    nodes: unit.nodes.map((node) => low + half * (node + 1)),
    weights: unit.weights.map((weight) => half * weight),
  };
}

/** The rule on [-1, 1]: Newton's iteration on the Legendre polynomial from Chebyshev-like starting points. */
function unitRule(count: number): Quadrature {
  const nodes = new Float64Array(count);
  const weights = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    let x = Math.cos((Math.PI * (index + 0.75)) / (count + 0.5));
    let slope = 1;
    for (let step = 0; step < 20; step += 1) {
      let [previous, current] = [1, x];
      for (let degree = 2; degree <= count; degree += 1) {
        [previous, current] = [current, ((2 * degree - 1) * x * current - (degree - 1) * previous) / degree];
      }
      slope = (count * (x * current - previous)) / (x * x - 1);
      const change = current / slope;
      x -= change;
      if (Math.abs(change) < 1e-15) break;
    }
    nodes[index] = x;
    weights[index] = 2 / ((1 - x * x) * slope * slope);
  }
  return { nodes, weights };
}
