import { chooseRollback, type RollbackChoice, type RollbackFacts } from './choose-rollback.ts';

/** A version that an order to go back may name, and what that order would do. */
interface RollbackTarget {
  readonly version: string;
  readonly choice: Exclude<RollbackChoice, { readonly kind: 'nothing' }>;
}

/** Every version that a rollback can go to now, by the rule of {@link chooseRollback}: the one that was champion last comes first, a baseline that never was comes last. */
export function rollbackTargets(facts: Omit<RollbackFacts, 'target'>): readonly RollbackTarget[] {
  const { history, aliases, assigned } = facts;
  const newestFirst = history.toSorted((a, b) => b.seq - a.seq);
  const versions = new Set(
    [...newestFirst.map(({ set }) => set.champion), assigned?.championVersion, aliases.baseline].filter(
      (version) => version !== undefined,
    ),
  );
  return [...versions].flatMap((version): RollbackTarget[] => {
    const choice = chooseRollback({ ...facts, target: version });
    return choice.kind === 'nothing' ? [] : [{ version, choice }];
  });
}
