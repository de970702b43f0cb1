import type { Listener } from "../domain/Listener.ts"

/** Groups listeners by port, and by container, process, or user if neither is known: an engine may have a proxy per address. */
export const byProcess = (
  listeners: ReadonlyArray<Listener>
): ReadonlyArray<readonly [Listener, ...Array<Listener>]> => {
  const groups = new Map<number | string, [Listener, ...Array<Listener>]>()
  for (const listener of listeners) {
    const who = `${listener.port} ${listener.container?.id ?? listener.process?.pid ?? listener.user}`
    const group = groups.get(who)
    if (group === undefined) groups.set(who, [listener])
    else group.push(listener)
  }
  return [...groups.values()]
}
