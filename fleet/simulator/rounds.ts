/**
 * Keeps robots that live at one pace together on a machine that cannot keep it: nobody begins an episode before all others have begun as
 * many. Otherwise robots whose episodes end early would live more of them, which no real fleet does. Who cannot drive leaves, and nobody waits.
 */
export class Rounds {
  readonly #begun = new Map<number, number>();

  /** From now on the others wait for this robot; who comes later begins with the others. Again changes nothing. */
  join(robot: number): void {
    if (!this.#begun.has(robot)) this.#begun.set(robot, this.#round());
  }

  leave(robot: number): void {
    this.#begun.delete(robot);
  }

  mayBegin(robot: number): boolean {
    return (this.#begun.get(robot) ?? 0) <= this.#round();
  }

  begin(robot: number): void {
    this.#begun.set(robot, (this.#begun.get(robot) ?? 0) + 1);
  }

  /** How many episodes every robot has begun. */
  #round(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const begun of this.#begun.values()) least = Math.min(least, begun);
    return least === Number.POSITIVE_INFINITY ? 0 : least;
  }
}
