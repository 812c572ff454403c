const clipped = (fraction: number): number => Math.max(-1, Math.min(1, fraction));

/** How large, in points of a hundred, without its sign: `31.3`, `2`, `0.04`; what is not zero is never told as 0. */
function magnitude(fraction: number): string {
  const points = 100 * Math.abs(clipped(fraction));
  if (points > 0 && points < 0.005) return 'less than 0.01';
  const text = points < 0.095 ? points.toFixed(2) : points.toFixed(1);
  return text.replace(/\.0+$/, '');
}

/** A difference of fractions without its sign: `31.3 points`, `1 point`. Beyond ±100 points there is no difference of success: it is told as 100. */
export function pointsFigure(fraction: number): string {
  const size = magnitude(fraction);
  return `${size} ${size === '1' ? 'point' : 'points'}`;
}

/** The same with its sign and without its unit: `+31.3`, `−2`, `0`. */
export function signedFigure(fraction: number): string {
  const size = magnitude(fraction);
  if (fraction === 0) return '0';
  const sign = fraction > 0 ? '+' : '−';
  return size.startsWith('less') ? `${sign}0.01` : `${sign}${size}`;
}

/** A share: `73.3 %`. */
export const percentFigure = (fraction: number): string => `${(100 * fraction).toFixed(1).replace(/\.0$/, '')} %`;

/** A number of evidence, of a score: `5.42`. */
export const scoreFigure = (value: number): string => value.toFixed(2).replace('-', '−');

/** `robot`, `robots`. */
export const counted = (count: number, one: string, several = `${one}s`): string =>
  `${count} ${count === 1 ? one : several}`;
