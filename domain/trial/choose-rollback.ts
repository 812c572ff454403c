import { aliasNames, type Aliases, type AliasRecord } from '../registry/index.ts';

/** What a rollback is asked for, and what is there. */
export interface RollbackFacts {
  /** A version, the name of an alias, or undefined: whatever undoes the latest change. */
  readonly target: string | undefined;
  readonly aliases: Aliases;
  readonly history: readonly AliasRecord[];
  /** Trial whose candidate robots run now; undefined outside trials. */
  readonly openTrialId: string | undefined;
  /** The assignment in force; during a trial its champion is the one the trial began with. Undefined before the first. */
  readonly assigned: { readonly defaultVersion: string; readonly championVersion: string } | undefined;
}

/** What a rollback does. `ask`: the same, but a person has to agree first. */
export type RollbackChoice =
  | { readonly kind: 'endTrial'; readonly trialId: string; readonly version: string; readonly reason: string }
  | { readonly kind: 'assign' | 'ask'; readonly version: string; readonly reason: string }
  | { readonly kind: 'nothing'; readonly reason: string };

/**
 * Chooses where a rollback goes. During a trial it ends the trial, everyone on the champion; otherwise it goes to `previous`,
 * and the order may be given at once. Any other version must have been champion or be the baseline, and a person must agree; so
 * must one where `previous` is the baseline, which nobody trained. During a trial `champion` is the one that it began with.
 */
export function chooseRollback(facts: RollbackFacts): RollbackChoice {
  const { target, aliases, openTrialId } = facts;
  const before = facts.assigned?.championVersion ?? aliases.champion;
  const isBack = target === undefined || target === 'champion' || named(target, aliases) === before;
  if (openTrialId !== undefined && before !== undefined && isBack)
    return {
      kind: 'endTrial',
      trialId: openTrialId,
      version: before,
      reason: `ends trial ${openTrialId}: everyone to ${before}`,
    };
  const wanted = target ?? 'previous';
  const version = named(wanted, aliases);
  if (version === undefined) return { kind: 'nothing', reason: `there is no ${wanted} to go back to` };
  if (openTrialId === undefined && version === (facts.assigned?.defaultVersion ?? aliases.champion))
    return { kind: 'nothing', reason: `the fleet's version is ${version} already` };
  const past = facts.history.some(({ set }) => set.champion === version);
  if (!past && version !== aliases.baseline)
    return { kind: 'nothing', reason: `${version} was never champion of this policy and is not its baseline` };
  if (version === aliases.baseline)
    return { kind: 'ask', version, reason: `${version} is the baseline: a person has to agree` };
  return version === aliases.previous
    ? { kind: 'assign', version, reason: `back to the champion before, ${version}` }
    : { kind: 'ask', version, reason: `${version} is not the champion before: a person has to agree` };
}

function named(target: string, aliases: Aliases): string | undefined {
  const alias = aliasNames.find((name) => name === target);
  return alias === undefined ? target : aliases[alias];
}
