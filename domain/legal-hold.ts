/** Which data is meant: of a robot, of a site, a list of episodes (the digest names it), or all there is. */
export type DataScope =
  | { readonly kind: 'everything' }
  | { readonly kind: 'robot'; readonly robotId: string }
  | { readonly kind: 'site'; readonly site: string }
  | { readonly kind: 'episodes'; readonly digest: string; readonly count: number };

/** A line of the log of holds; lines are only ever added. */
export type HoldEvent =
  | {
      readonly kind: 'add';
      readonly holdId: string;
      readonly scope: DataScope;
      readonly who: string;
      readonly why: string;
      readonly atMs: number;
    }
  | {
      readonly kind: 'lift';
      readonly holdId: string;
      readonly who: string;
      readonly why: string;
      readonly atMs: number;
    };

export type Hold = Extract<HoldEvent, { kind: 'add' }>;

/** The holds that stand, oldest first: a lifted one never stands again, whatever comes after. */
export function standingHolds(events: readonly HoldEvent[]): readonly Hold[] {
  const lifted = new Set(events.filter(({ kind }) => kind === 'lift').map(({ holdId }) => holdId));
  return events.filter((event): event is Hold => event.kind === 'add' && !lifted.has(event.holdId));
}

/** `robot r1`, `site "hall 3"`, `12 episodes`, `everything`. */
export function scopeText(scope: DataScope): string {
  if (scope.kind === 'robot') return `robot ${scope.robotId}`;
  if (scope.kind === 'site') return `site ${JSON.stringify(scope.site)}`;
  return scope.kind === 'episodes' ? `${scope.count} episodes` : 'everything';
}

export const holdText = ({ holdId, scope, who, why }: Hold): string =>
  `legal hold ${holdId} on ${scopeText(scope)} by ${who}: ${why}`;
