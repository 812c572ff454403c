/** Outcomes of trials after which robots were ordered back from the candidate. */
const orderedBack: ReadonlySet<string> = new Set(['harmful', 'rolledBack']);

/** Whether a trial ended against its candidate: robots were ordered back from it, or it is proven worse. */
export const isAgainst = ({ outcome, reason }: { readonly outcome: string; readonly reason: string }): boolean =>
  orderedBack.has(outcome) || (outcome === 'reject' && reason.startsWith('proven worse'));
