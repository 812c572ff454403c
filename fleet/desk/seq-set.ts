/** A set of whole numbers that mostly come in runs, kept as half-open runs in ascending order. */
export class SeqSet {
  readonly #runs: { start: number; end: number }[] = [];

  /** False when it was in already. Constant time for numbers near the end, linear in the runs at worst. */
  add(seq: number): boolean {
    let index = this.#runs.length;
    while (index > 0 && (this.#runs[index - 1]?.start ?? 0) > seq) index -= 1;
    const before = this.#runs[index - 1];
    const after = this.#runs[index];
    if (before !== undefined && seq < before.end) return false;
    const joinsBefore = before?.end === seq;
    const joinsAfter = after?.start === seq + 1;
    if (joinsBefore && joinsAfter && after !== undefined) {
      before.end = after.end;
      this.#runs.splice(index, 1);
    } else if (joinsBefore) before.end = seq + 1;
    else if (joinsAfter && after !== undefined) after.start = seq;
    else this.#runs.splice(index, 0, { start: seq, end: seq + 1 });
    return true;
  }

  get runs(): number {
    return this.#runs.length;
  }
}
