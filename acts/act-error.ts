/**
 * Why an act or a question came to nothing. `no`: the answer is no · `wrong`: what was asked for cannot be · `missing`: server, worker or store is missing,
 * and it is worth trying again once it is there.
 */
export class ActError extends Error {
  readonly kind: 'no' | 'wrong' | 'missing';

  constructor(kind: ActError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
