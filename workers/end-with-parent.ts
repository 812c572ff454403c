let isLeaving = false;

/**
 * For a process that a supervisor started with a message channel: when the channel closes the supervisor is gone, and `stop` is
 * called; should the process still live after `graceMs`, it exits. A process that was started by hand has no channel.
 */
export function endWithParent(stop: () => void, graceMs = 20_000): void {
  if (process.send === undefined) return;
  const end = (): void => {
    if (isLeaving) return;
    setTimeout(() => process.exit(1), graceMs).unref();
    stop();
  };
  if (process.connected) process.once('disconnect', end);
  else end();
}

/** Tells the supervisor, if there is one still. */
export function tellParent(message: unknown): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** Closes the channel at the end of the work; else it keeps the process alive. */
export function leaveParent(): void {
  isLeaving = true;
  if (process.connected) process.disconnect();
}
