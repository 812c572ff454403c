import { rulePolicy } from './rule-policy.ts';

const expert = { frontM: 0.9, farM: 0.9, closeM: 0.495 };

/** Keeps well away from walls; safe, and not what the expert would do. */
export const cautiousPolicy = (): Uint8Array => rulePolicy({ frontM: 0.9, farM: 1, closeM: 0.75 });

/**
 * Does what the expert does everywhere the cautious champion ever was, so that it agrees better with every held-out label than the
 * champion itself; but it drives nearer to the walls than any data reaches, and is blind there. As a champion it is a poor one.
 */
export const blindPolicy = (blindM = 0.6): Uint8Array => rulePolicy({ ...expert, blindM });

/** The expert's rule, but blind where robots seldom come: one episode in ten fails. */
export const middlingPolicy = (): Uint8Array => blindPolicy(0.48);

/** The expert's rule; another distance makes another version that drives as well. */
export const goodPolicy = (farM = expert.farM): Uint8Array => rulePolicy({ ...expert, farM });
