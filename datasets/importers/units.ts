/** Size of a unit in the first of its kind, and where its zero lies. */
interface Unit {
  readonly kind: string;
  readonly factor: number;
  readonly offset?: number;
}

const degree = Math.PI / 180;
const units: ReadonlyMap<string, Unit> = new Map(
  (
    [
      ['m', 'length', 1],
      ['km', 'length', 1000],
      ['dm', 'length', 0.1],
      ['cm', 'length', 0.01],
      ['mm', 'length', 0.001],
      ['in', 'length', 0.0254],
      ['ft', 'length', 0.3048],
      ['m/s', 'speed', 1],
      ['cm/s', 'speed', 0.01],
      ['mm/s', 'speed', 0.001],
      ['km/h', 'speed', 1 / 3.6],
      ['m/s2', 'acceleration', 1],
      ['g', 'acceleration', 9.80665],
      ['rad', 'angle', 1],
      ['deg', 'angle', degree],
      ['mrad', 'angle', 0.001],
      ['rev', 'angle', 2 * Math.PI],
      ['rad/s', 'turning', 1],
      ['deg/s', 'turning', degree],
      ['rpm', 'turning', (2 * Math.PI) / 60],
      ['s', 'time', 1],
      ['ms', 'time', 0.001],
      ['us', 'time', 1e-6],
      ['ns', 'time', 1e-9],
      ['A', 'current', 1],
      ['mA', 'current', 0.001],
      ['V', 'voltage', 1],
      ['mV', 'voltage', 0.001],
      ['N', 'force', 1],
      ['kN', 'force', 1000],
      ['Nm', 'torque', 1],
      ['Nmm', 'torque', 0.001],
      ['Pa', 'pressure', 1],
      ['hPa', 'pressure', 100],
      ['kPa', 'pressure', 1000],
      ['bar', 'pressure', 100_000],
      ['1', 'share', 1],
      ['%', 'share', 0.01],
    ] as const
  ).map(([name, kind, factor]) => [name, { kind, factor }] as const),
);
const temperatures: ReadonlyMap<string, Unit> = new Map([
  ['K', { kind: 'temperature', factor: 1 }],
  ['degC', { kind: 'temperature', factor: 1, offset: 273.15 }],
  ['°C', { kind: 'temperature', factor: 1, offset: 273.15 }],
  ['degF', { kind: 'temperature', factor: 5 / 9, offset: 459.67 * (5 / 9) }],
  ['°F', { kind: 'temperature', factor: 5 / 9, offset: 459.67 * (5 / 9) }],
]);
const unitOf = (name: string): Unit | undefined => units.get(name) ?? temperatures.get(name);

/** Whether a unit can become others. */
export const isUnit = (name: string): boolean => unitOf(name) !== undefined;

/** How values of one unit become values of another, `factor * value + offset`; undefined where nobody knows. `cm` → `m`: 0.01, 0. */
export function conversionOf(
  from: string,
  to: string,
): { readonly factor: number; readonly offset: number } | undefined {
  if (from === to) return { factor: 1, offset: 0 };
  const [source, target] = [unitOf(from), unitOf(to)];
  if (source === undefined || target === undefined || source.kind !== target.kind) return undefined;
  return {
    factor: source.factor / target.factor,
    offset: ((source.offset ?? 0) - (target.offset ?? 0)) / target.factor,
  };
}
