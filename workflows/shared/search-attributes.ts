import { defineSearchAttributeKey } from '@temporalio/common';

/** By these an operator filters workflows in the Temporal UI; the server must know them (docs/operations.md). */
export const policyAttribute = defineSearchAttributeKey('FlywheelPolicy', 'KEYWORD');
export const outcomeAttribute = defineSearchAttributeKey('FlywheelOutcome', 'KEYWORD');

/** Name and type of each, as a server's set-up needs them. */
export const searchAttributes = { FlywheelPolicy: 'Keyword', FlywheelOutcome: 'Keyword' } as const;
