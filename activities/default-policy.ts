/** The policy that is meant where none is named. */
export const defaultPolicy = 'wall-follower';
