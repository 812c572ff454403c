import { h, type ComponentChild } from 'preact';

import { hrefOf } from '../route.ts';

/** The way to what a version was made of and judged by; `none`: what is said where there is no version. */
export const versionLink = (policy: string, version: string | null | undefined, none: string): ComponentChild =>
  version === null || version === undefined ? none : h('a', { href: hrefOf('models', { policy, version }) }, version);

/** The way to how a candidate did in its trial. */
export const trialLink = (policy: string, candidate: string): ComponentChild =>
  h('a', { href: hrefOf('trial', { policy, candidate }) }, `How ${candidate} did in its trial`);
