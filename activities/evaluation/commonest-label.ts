import type { RowSource } from '../../policies/rows.ts';

/** The action recorded most often, the first of equals; what a policy that looks at nothing would always choose. */
export async function commonestLabel(source: RowSource, actions: number): Promise<number> {
  const counts = new Float64Array(actions);
  for (let number = 0; number < source.blockRows.length; number += 1) {
    const { label } = await source.read(number);
    for (const action of label) counts[action] = (counts[action] ?? 0) + 1;
  }
  return counts.indexOf(Math.max(...counts));
}
