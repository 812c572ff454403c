/** By what a viewer is let in: a token of this tab, or the session of this browser, whose cookie scripts do not see. */
export type Pass = string | BrowserPass;

interface BrowserPass {
  /** Sent with each act: no page of another site knows it. */
  readonly csrf: string;
}

/** How a request says who asks. */
export function passOf(pass: Pass): {
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: RequestCredentials;
} {
  return typeof pass === 'string'
    ? { headers: { authorization: `Bearer ${pass}` }, credentials: 'omit' }
    : { headers: { 'flywheel-csrf': pass.csrf }, credentials: 'same-origin' };
}
