/**
 * The machine's clock since its boot, milliseconds: the same for every process, whatever the wall clock does. What robots write down is
 * measured against it by the next process too.
 */
export const machineMonotonicMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;
