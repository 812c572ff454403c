import { landingPlace } from '../../datasets/validation/segment-facts.ts';
import type { Violation } from '../../datasets/validation/rule.ts';
import type { SqlSession } from '../ports/sql.ts';
import type { BatchDecision, PlannedSegment, RobotCounts, RuleCounts } from './documents.ts';
import { nobody } from './quarantine.ts';
import { erasedRule } from '../../datasets/validation/rules.ts';
import { dictionary } from '../../domain/dictionary.ts';

type Counted = Pick<BatchDecision, 'robots' | 'rules'>;

/** Counts of a decision by robot and by rule; `accepted` must be what is left of the decision. */
export async function countDecision(
  session: SqlSession,
  present: readonly { readonly segment: number; readonly planned: PlannedSegment }[],
  decision: Omit<BatchDecision, keyof Counted>,
): Promise<Counted> {
  const robots = new Map<string, RobotCounts>();
  const robotOf = new Map(
    present.map(({ segment, planned }) => [segment, landingPlace(planned.key)?.robotId ?? nobody]),
  );
  const add = (segment: number, counts: Partial<RobotCounts>): void => {
    const robotId = robotOf.get(segment) ?? nobody;
    robots.set(robotId, addCounts(robots.get(robotId) ?? noCounts, counts));
  };
  for (const { segment } of present) add(segment, { segments: 1 });
  for (const { segment } of decision.refusedSegments) add(segment, { segmentsRefused: 1 });
  for (const { segment } of decision.refusedEpisodes) add(segment, { episodesRefused: 1 });
  for (const { segment } of decision.alreadyStored) add(segment, { episodesAlreadyStored: 1 });
  const accepted = await session.rows(
    `SELECT segment, count(*) AS episodes, sum(frame_count) AS frames, count(*) FILTER (outcome = 'failure') AS failures
      FROM accepted GROUP BY segment`,
  );
  for (const { segment, episodes, frames, failures } of accepted) {
    add(Number(segment), {
      episodesStored: Number(episodes),
      framesStored: Number(frames),
      failuresStored: Number(failures),
    });
  }
  return { robots: sorted(robots), rules: ruleCounts(decision) };
}

export const noCounts: RobotCounts = {
  segments: 0,
  segmentsRefused: 0,
  episodesStored: 0,
  episodesAlreadyStored: 0,
  episodesRefused: 0,
  framesStored: 0,
  failuresStored: 0,
};

export const addCounts = (a: RobotCounts, b: Partial<RobotCounts>): RobotCounts => ({
  segments: a.segments + (b.segments ?? 0),
  segmentsRefused: a.segmentsRefused + (b.segmentsRefused ?? 0),
  episodesStored: a.episodesStored + (b.episodesStored ?? 0),
  episodesAlreadyStored: a.episodesAlreadyStored + (b.episodesAlreadyStored ?? 0),
  episodesRefused: a.episodesRefused + (b.episodesRefused ?? 0),
  framesStored: a.framesStored + (b.framesStored ?? 0),
  failuresStored: a.failuresStored + (b.failuresStored ?? 0),
});

function ruleCounts(decision: Omit<BatchDecision, keyof Counted>): Readonly<Record<string, RuleCounts>> {
  const rules = new Map<string, RuleCounts>();
  const count = (violations: readonly Violation[], what: keyof RuleCounts): void => {
    for (const { rule } of violations) {
      const counts = rules.get(rule) ?? { segments: 0, episodes: 0 };
      rules.set(rule, { ...counts, [what]: counts[what] + 1 });
    }
  };
  for (const { violations } of decision.refusedSegments) count(violations, 'segments');
  for (const { violations } of decision.refusedEpisodes) count(violations, 'episodes');
  const [episodes, segments] = [decision.erased?.length ?? 0, decision.erasedSegments?.length ?? 0];
  if (episodes + segments > 0) rules.set(erasedRule.id, { segments, episodes });
  return sorted(rules);
}

const sorted = <Value>(map: ReadonlyMap<string, Value>): Record<string, Value> =>
  dictionary([...map].toSorted(([a], [b]) => (a < b ? -1 : 1)));
