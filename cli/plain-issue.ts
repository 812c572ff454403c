/** What the schema library says of a field, in the words of all other messages: what was expected, and what was found. */
export const plainIssue = (message: string): string =>
  message
    .replace(/^Invalid input: expected (.+), received undefined$/, 'expected $1, got nothing')
    .replace(/^Invalid input: expected (.+), received (.+)$/, 'expected $1, got $2')
    .replace(/^Unrecognized keys?: (.+)$/, 'expected no field $1');
