import type { IncidentCause } from './causes.ts';
import type { Finding, IncidentBook } from './incidents.ts';

/** Causes that stop many robots of a site together: power, network, a bad model. */
const groupedCauses: readonly IncidentCause[] = ['silent', 'crashLoop', 'installRefused'];
/** So many robots of a site with one cause are one incident. */
const leastGroup = 3;
const listed = 10;

/** The subject of what many robots of a site have in common; no robot's id holds a space. */
export const siteSubject = (site: string): string => `site ${site}`;
export const isSiteSubject = (subject: string): boolean => subject.startsWith('site ');

/**
 * Findings of single robots put together by site and cause, from three robots on: one incident, one notification, one
 * acknowledgement. A robot that has an incident of its own keeps it; while a site's incident is open, whoever else of the site
 * has its cause belongs to it. Findings that name no robot, or a robot without site, stay as they are.
 */
export function groupBySite(
  findings: readonly Finding[],
  siteOf: ReadonlyMap<string, string>,
  book: IncidentBook,
): readonly Finding[] {
  const isOpen = (cause: IncidentCause, subject: string): boolean => book[`${cause}/${subject}`]?.kind === 'open';
  const groups = new Map<
    string,
    { readonly cause: IncidentCause; readonly site: string; readonly members: Finding[] }
  >();
  const single: Finding[] = [];
  for (const finding of findings) {
    const { cause, subject } = finding;
    const site = siteOf.get(subject);
    if (site === undefined || !groupedCauses.includes(cause) || isOpen(cause, subject)) {
      single.push(finding);
      continue;
    }
    const key = `${cause}/${site}`;
    const group = groups.get(key) ?? { cause, site, members: [] };
    group.members.push(finding);
    groups.set(key, group);
  }
  for (const { cause, site, members } of groups.values()) {
    const subject = siteSubject(site);
    if (members.length >= leastGroup || isOpen(cause, subject)) single.push({ cause, subject, reason: told(members) });
    else single.push(...members);
  }
  return single;
}

function told(members: readonly Finding[]): string {
  const names = members.slice(0, listed).map(({ subject }) => subject);
  const more = members.length > listed ? ` and ${members.length - listed} more` : '';
  return `${members.length} robots (${names.join(', ')}${more}), the first: ${members[0]?.reason ?? ''}`;
}
