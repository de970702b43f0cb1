import type { Listener } from "../domain/Listener.ts"

/** The listeners of each process, or, where processes cannot be seen, of each user. */
export const byProcess = (
  listeners: ReadonlyArray<Listener>
): ReadonlyArray<readonly [Listener, ...Array<Listener>]> => {
  const groups = new Map<number | string, [Listener, ...Array<Listener>]>()
  for (const listener of listeners) {
    const who = `${listener.port} ${listener.process?.pid ?? listener.user}`
    const group = groups.get(who)
    if (group === undefined) groups.set(who, [listener])
    else group.push(listener)
  }
  return [...groups.values()]
}
