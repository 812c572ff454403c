import { z } from 'zod';

import type { OperatorRole } from '../../fleet/desk/operators.ts';
import { readSecretFile } from '../../workers/secret-file.ts';

/** How people sign in by an identity provider. */
export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined: a public client. */
  readonly clientSecret?: string | undefined;
  /** Where browsers find the console, without a slash at its end. */
  readonly publicUrl: string;
  readonly scope: string;
  /** The claim that says what a person is called in the audit log. */
  readonly nameClaim: string;
  /** The claim with groups or roles: a text or a list of texts. */
  readonly rolesClaim: string;
  /** Which values of it give a role. */
  readonly roles: Readonly<Record<OperatorRole, readonly string[]>>;
  readonly sessionMs: number;
  /** Seals cookies; the same for all consoles of a store. */
  readonly sessionSecret: string;
  /** What the button says. */
  readonly label: string;
}

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);
/** By TLS, or on this machine. */
const isSafeUrl = (text: string): boolean => {
  const { protocol, hostname, username, search, hash } = new URL(text);
  const isTrusted = protocol === 'https:' || (protocol === 'http:' && loopback.has(hostname));
  return isTrusted && username === '' && search === '' && hash === '';
};
const safeUrl = z
  .url()
  .max(1_000)
  .refine(isSafeUrl, 'expected https://…, or http:// on this machine, without user, question or fragment');
const claim = z.string().min(1).max(100);
const values = z.array(z.string().min(1).max(200)).max(100).default([]);

const documentSchema = z.strictObject({
  issuer: safeUrl,
  clientId: z.string().min(1).max(200),
  clientSecret: z.string().min(1).max(1_000).optional(),
  publicUrl: safeUrl,
  scope: z.string().min(1).max(200).default('openid profile'),
  nameClaim: claim.default('preferred_username'),
  rolesClaim: claim.default('groups'),
  roles: z.strictObject({ viewer: values, operator: values, approver: values, admin: values }),
  sessionMinutes: z.number().min(5).max(1_440).default(60),
  sessionSecret: z.string().min(32, 'expected at least 32 characters').max(1_000),
  label: z.string().min(1).max(60).default('Sign in with your organisation'),
});

/** Reads the file that `FLYWHEEL_CONSOLE_OIDC` names; errors tell fields, never what stands in them. */
export function readOidcSettings(file: string): OidcSettings {
  const { sessionMinutes, publicUrl, ...rest } = readSecretFile('FLYWHEEL_CONSOLE_OIDC', file, {
    schema: documentSchema,
    why: 'it holds secrets',
  });
  return { ...rest, publicUrl: publicUrl.replace(/\/+$/, ''), sessionMs: sessionMinutes * 60_000 };
}
