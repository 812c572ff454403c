/**
 * How a text begins that a spreadsheet may take for a formula, or whose beginning a reader of tables may cut off; and an apostrophe itself, so that taking
 * the guard away gives the text that was there. For JavaScript and RE2, within brackets.
 */
export const guardedBeginnings = String.raw`\s=+@＝＋－＠'-`;

const guarded = new RegExp(`^'(?=[${guardedBeginnings}])`, 'u');

/** The text without the apostrophe that guards it. */
export const withoutGuard = (text: string): string => text.replace(guarded, '');
