import { operatorRoles, type OperatorRole } from '../../fleet/desk/operators.ts';
import type { OidcSettings } from './settings.ts';

/** Who signed in, or why nobody did. */
export type Person =
  | { readonly kind: 'person'; readonly name: string; readonly role: OperatorRole }
  | { readonly kind: 'nobody'; readonly why: string };

const mostValues = 1_000;

/** Who a provider says somebody is: a name from one claim, and the highest role that a value of another gives. Without both nobody. */
export function personOf(
  claims: Readonly<Record<string, unknown>>,
  { nameClaim, rolesClaim, roles }: Pick<OidcSettings, 'nameClaim' | 'rolesClaim' | 'roles'>,
): Person {
  const given = own(claims, nameClaim);
  const name = typeof given === 'string' ? given.toLowerCase() : '';
  if (!/^[a-z0-9][a-z0-9._@-]{0,62}$/.test(name))
    return { kind: 'nobody', why: `the claim ${nameClaim} is no name of letters, digits, dots, dashes and @` };
  const told = own(claims, rolesClaim);
  const values = new Set((Array.isArray(told) ? told : [told]).slice(0, mostValues));
  const role = operatorRoles.findLast((one) => roles[one].some((value) => values.has(value)));
  if (role === undefined) return { kind: 'nobody', why: `no value of the claim ${rolesClaim} gives a role here` };
  return { kind: 'person', name, role };
}

const own = (claims: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(claims, name) ? claims[name] : undefined;
