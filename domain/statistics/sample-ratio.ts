import { normalCdf } from './distributions.ts';

/**
 * Are the arms filled as planned? χ² of the treated episodes against their expected share, 1 degree of freedom; widened
 * for a share that was itself estimated from `preEpisodes` and for rates that scatter more than Poisson (`ratePhi` ≥ 1).
 * A small p means telemetry is lost or assignment is broken, and no effect computed from it can be trusted (Zhao et al. 2019).
 * Nothing counted gives p = 1; a share outside (0, 1) gives p = 1 if the counts agree with it and 0 if not.
 *
 * sampleRatioMismatch({ treated: 44000, total: 89000, share: 0.5 }) → { chiSquare: 11.236, p: 0.000802 }
 */
export function sampleRatioMismatch(input: {
  treated: number;
  total: number;
  share: number;
  preEpisodes?: number;
  ratePhi?: number;
}): { readonly chiSquare: number; readonly p: number } {
  const { treated, total, share, preEpisodes = Infinity, ratePhi = 1 } = input;
  if (!(total > 0)) return { chiSquare: 0, p: 1 };
  const variance = total * share * (1 - share) * (1 + total / preEpisodes) * ratePhi;
  const excess = treated - total * share;
  if (excess === 0) return { chiSquare: 0, p: 1 };
  if (!(variance > 0)) return { chiSquare: Number.MAX_VALUE, p: 0 };
  const chiSquare = Math.min(Number.MAX_VALUE, (excess * excess) / variance);
  return { chiSquare, p: 2 * normalCdf(-Math.sqrt(chiSquare)) };
}
