import type { IncidentCause } from './causes.ts';
import type { Finding, IncidentBook } from './incidents.ts';

/** Causes that stop many robots of a site together: power, network, a bad model. */
const groupedCauses: readonly IncidentCause[] = ['silent', 'crashLoop', 'installRefused'];
/** So many robots of a site with one cause are one incident. */
const leastGroup = 3;
/** Of a site's robots. */
const ownFraction = 0.2;
const listed = 10;

/** The subject of what many robots of a site have in common; no robot's id holds a space. */
export const siteSubject = (site: string): string => `site ${site}`;
/** The same of robots here and there. */
export const severalSites = 'several sites';
export const isSiteSubject = (subject: string): boolean => subject.startsWith('site ') || subject === severalSites;

/**
 * Findings of single robots put together by cause, from three robots on: those of a site first, then what is left of several sites. One incident, one
 * notification, one acknowledgement. A robot that has an incident of its own keeps it, and counts among the three; while an incident of many is open, whoever
 * else has its cause belongs to it. Findings that name no robot, or a robot without site, stay as they are.
 */
export function groupBySite(
  findings: readonly Finding[],
  siteOf: ReadonlyMap<string, string>,
  book: IncidentBook,
): readonly Finding[] {
  const isOpen = ({ cause, subject }: Pick<Finding, 'cause' | 'subject'>): boolean =>
    book[`${cause}/${subject}`]?.kind === 'open';
  const result = findings.filter(
    ({ cause, subject }) => !siteOf.has(subject) || !groupedCauses.includes(cause) || isOpen({ cause, subject }),
  );
  const kept = new Set(result);
  for (const [cause, ofCause] of Map.groupBy(findings, (finding) => finding.cause)) {
    const known = ofCause.filter(({ subject }) => siteOf.has(subject));
    const ofSites = [...Map.groupBy(known, ({ subject }) => siteOf.get(subject) ?? '')].flatMap(([site, members]) =>
      together(cause, siteSubject(site), members, leastOf(cause, site)),
    );
    const isOne = ({ subject }: Finding): boolean => siteOf.has(subject);
    result.push(...ofSites.filter((finding) => !isOne(finding)));
    const alone = [...known.filter((finding) => kept.has(finding)), ...ofSites.filter(isOne)];
    result.push(...together(cause, severalSites, alone, leastGroup));
  }
  return result;

  /** While several sites have it, a site is told apart when much of it has it, so that robots do not go from one incident to the next. */
  function leastOf(cause: IncidentCause, site: string): number {
    if (!isOpen({ cause, subject: severalSites })) return leastGroup;
    const robots = [...siteOf.values()].filter((one) => one === site).length;
    return Math.max(leastGroup, Math.ceil(ownFraction * robots));
  }

  /** Of members those that have no incident of their own, as one finding where they are many. */
  function together(
    cause: IncidentCause,
    subject: string,
    members: readonly Finding[],
    least: number,
  ): readonly Finding[] {
    const fresh = members.filter((finding) => !kept.has(finding));
    if (fresh.length === 0) return [];
    if (members.length < least && !isOpen({ cause, subject })) return fresh;
    return [{ cause, subject, reason: told(fresh) }];
  }
}

function told(members: readonly Finding[]): string {
  const names = members.slice(0, listed).map(({ subject }) => subject);
  const more = members.length > listed ? ` and ${members.length - listed} more` : '';
  return `${members.length} robots (${names.join(', ')}${more}), the first: ${members[0]?.reason ?? ''}`;
}
