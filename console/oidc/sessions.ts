import { randomBytes, timingSafeEqual } from 'node:crypto';

import { z } from 'zod';

import { operatorRoles } from '../../fleet/desk/operators.ts';
import type { Clock } from '../../store/clock.ts';
import type { SignIn } from './provider.ts';
import { Sealer } from './sealed.ts';
import type { OidcSettings } from './settings.ts';

const sessionSchema = z.strictObject({
  /** By which it can be ended before its time; lets nobody in. */
  sessionId: z.string(),
  sinceMs: z.int(),
  name: z.string(),
  role: z.enum(operatorRoles),
  /** What a page must send with an act besides the cookie. */
  csrf: z.string(),
  untilMs: z.int(),
});
export type BrowserSession = z.infer<typeof sessionSchema>;

const signInSchema = z.strictObject({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  untilMs: z.int(),
});

/** So long somebody may be at the provider. */
const signInMs = 600_000;

/** Sessions of browsers, wholly in cookies that are sealed: any number of consoles serves them. What the store notes of one lets nobody in. */
export class Sessions {
  readonly #clock: Clock;
  readonly #sessionMs: number;
  readonly #isSecure: boolean;
  readonly #session: Sealer;
  readonly #signIn: Sealer;

  constructor({ sessionSecret, sessionMs, publicUrl }: OidcSettings, clock: Clock) {
    this.#clock = clock;
    this.#sessionMs = sessionMs;
    this.#isSecure = publicUrl.startsWith('https:');
    this.#session = new Sealer(sessionSecret, 'session');
    this.#signIn = new Sealer(sessionSecret, 'sign-in');
  }

  /** The session of somebody who signed in, and its cookie. */
  begin({ name, role }: Pick<BrowserSession, 'name' | 'role'>): {
    readonly session: BrowserSession;
    readonly cookie: string;
  } {
    const sinceMs = this.#clock();
    const [sessionId, csrf] = [randomBytes(12).toString('hex'), randomBytes(18).toString('base64url')];
    const session: BrowserSession = { sessionId, sinceMs, name, role, csrf, untilMs: sinceMs + this.#sessionMs };
    const cookie = this.#cookie('flywheel', this.#session.seal(session), { site: 'Strict', ms: this.#sessionMs });
    return { session, cookie };
  }

  end(): string {
    return this.#cookie('flywheel', '', { site: 'Strict', ms: 0 });
  }

  /** Whose session a request has; undefined: none that is sound and not over. */
  find(cookies: string | undefined): BrowserSession | undefined {
    const parsed = sessionSchema.safeParse(this.#session.open(this.#value(cookies, 'flywheel')));
    return parsed.success && parsed.data.untilMs > this.#clock() ? parsed.data : undefined;
  }

  /** Sent back by the provider’s redirect too, which comes from another site. */
  keepSignIn(signIn: SignIn): string {
    const sealed = this.#signIn.seal({ ...signIn, untilMs: this.#clock() + signInMs });
    return this.#cookie('flywheel-sign-in', sealed, { site: 'Lax', ms: signInMs });
  }

  forgetSignIn(): string {
    return this.#cookie('flywheel-sign-in', '', { site: 'Lax', ms: 0 });
  }

  findSignIn(cookies: string | undefined): SignIn | undefined {
    const parsed = signInSchema.safeParse(this.#signIn.open(this.#value(cookies, 'flywheel-sign-in')));
    return parsed.success && parsed.data.untilMs > this.#clock() ? parsed.data : undefined;
  }

  /** With `__Host-` no other host can set it, and it goes by TLS only. */
  #name(name: string): string {
    return this.#isSecure ? `__Host-${name}` : name;
  }

  #cookie(name: string, value: string, { site, ms }: { readonly site: string; readonly ms: number }): string {
    const secure = this.#isSecure ? '; Secure' : '';
    return `${this.#name(name)}=${value}; Path=/; HttpOnly; SameSite=${site}; Max-Age=${Math.floor(ms / 1_000)}${secure}`;
  }

  #value(cookies: string | undefined, name: string): string {
    const wanted = `${this.#name(name)}=`;
    const found = (cookies ?? '').split(';').find((one) => one.trim().startsWith(wanted));
    return found?.trim().slice(wanted.length) ?? '';
  }
}

/** Whether an act brings what only a page of this session knows. */
export function hasCsrf(session: BrowserSession, sent: unknown): boolean {
  if (typeof sent !== 'string') return false;
  const [ours, theirs] = [Buffer.from(session.csrf), Buffer.from(sent)];
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}
