/** Answers that are no error; `sentMs` and `receivedMs` are monotonic. */
export interface Answered<Body> {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
  readonly sentMs: number;
  readonly receivedMs: number;
}
