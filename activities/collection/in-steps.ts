/** Items of a stream in arrays of at most `size`, so that work on them may overlap without holding them all. */
export async function* inSteps<Item>(items: AsyncIterable<Item>, size: number): AsyncGenerator<readonly Item[]> {
  let step: Item[] = [];
  for await (const item of items) {
    step.push(item);
    if (step.length < size) continue;
    yield step;
    step = [];
  }
  if (step.length > 0) yield step;
}
