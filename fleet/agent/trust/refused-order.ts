import type { OrderRefusal } from '../../../domain/trust/order-refusals.ts';

/** An order, or a word that came with one, that the robot does not believe. */
export interface Refused {
  readonly kind: 'refused';
  readonly reason: OrderRefusal;
  readonly detail: string;
  /** Place in the log of what was refused; null when it is not known. */
  readonly seq: number | null;
  /** Version it would have run; null when it is not known. */
  readonly version: string | null;
}

export const refusedOrder = (
  reason: OrderRefusal,
  detail: string,
  about: { seq?: number; version?: string } = {},
): Refused => ({
  kind: 'refused',
  reason,
  detail,
  seq: about.seq ?? null,
  version: about.version ?? null,
});
