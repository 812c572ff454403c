export * from './aliases.ts';
export * from './champion-changes.ts';
export * from './policy-version.ts';
export * from './promotion.ts';
