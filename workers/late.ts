/** A port that is opened by its first call, so that what is not used is not loaded. All its methods give promises. */
export function late<Port extends object>(open: () => Promise<Port>): Port {
  let opened: Promise<Port> | undefined;
  const call =
    (name: string) =>
    async (...args: readonly unknown[]): Promise<unknown> => {
      opened ??= open();
      const method: unknown = Reflect.get(await opened, name);
      if (typeof method !== 'function') throw new TypeError(`expected a method ${name}, got ${typeof method}`);
      return Reflect.apply(method, await opened, args) as unknown;
    };
  return new Proxy({} as Port, {
    get: (_, name) => (typeof name === 'symbol' || name === 'then' ? undefined : call(name)),
  });
}
