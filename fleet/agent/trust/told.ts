/** How long the same thing is not told again. */
const toldForMs = 3_600_000;
/** Of one reason, told within that time: a gateway that invents numbers must not fill the disk, and later the fleet's log. */
const mostOfAReason = 10;

/** Says whether a refusal is news: once an hour and place in the log, ten places of a reason at most. Times are monotonic. */
export function createNews(): (reason: string, seq: number | null, nowMs: number) => boolean {
  const told = new Map<string, { readonly seq: number | null; readonly atMs: number }[]>();
  return (reason, seq, nowMs) => {
    const recent = (told.get(reason) ?? []).filter(({ atMs }) => nowMs - atMs < toldForMs);
    const isNews = recent.length < mostOfAReason && recent.every((each) => each.seq !== seq);
    told.set(reason, isNews ? [...recent, { seq, atMs: nowMs }] : recent);
    return isNews;
  };
}
