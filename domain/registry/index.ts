export * from './aliases.ts';
export * from './policy-version.ts';
export * from './promotion.ts';
