import type { Listener } from "../domain/Listener.ts"
import { isOf, type KeyOwner, type Owner, ownerOf } from "../domain/Owner.ts"
import type { Learned } from "../domain/portHealth.ts"

/** Who was found to serve a port. It holds as long as the mark is the same. */
export interface Serving {
  readonly key: string
  readonly owner: Owner | undefined
  readonly mark: string
  readonly whose: "owner" | "other" | "unknown"
}

type Owners = ReadonlyMap<string, KeyOwner>

/** Another socket, another key or another owner make another mark. `sockets` is what the listeners' own mark is. */
export const markOf = (key: string, owner: Owner | undefined, sockets: string): string =>
  [key, owner?.kind ?? "", owner?.name ?? "", sockets].join(" ")

/**
 * What `listeners`, which serve the port of `key`, say of whose they are; with an owner where none was known and one
 * shows itself.
 */
const judge = (
  owner: KeyOwner | undefined,
  listeners: ReadonlyArray<Listener>
): { readonly whose: Serving["whose"]; readonly learned?: Owner } => {
  if (owner === undefined) {
    const learned = listeners.map(({ process }) => ownerOf(process)).find((each) => each !== undefined)
    return learned === undefined ? { whose: "unknown" } : { whose: "owner", learned }
  }
  const verdicts = listeners.map((listener) => isOf(owner, listener))
  if (verdicts.includes(false)) return { whose: "other" }
  return { whose: verdicts.includes(true) ? "owner" : "unknown" }
}

/** The assigned ports that something listens on and that were not seen so before: these have to be looked into. */
export const unfamiliar = (
  keys: ReadonlyMap<number, string>,
  owners: Owners,
  sockets: ReadonlyMap<number, string>,
  serving: ReadonlyMap<number, Serving>
): ReadonlyArray<number> =>
  [...keys].flatMap(([port, key]) => {
    const mark = sockets.get(port)
    return mark === undefined || serving.get(port)?.mark === markOf(key, owners.get(key), mark) ? [] : [port]
  })

/** Who serves each port now: as before where nothing changed, and judged by `found` where it did. */
export const recognise = (
  keys: ReadonlyMap<number, string>,
  owners: Owners,
  sockets: ReadonlyMap<number, string>,
  before: ReadonlyMap<number, Serving>,
  fresh: ReadonlySet<number>,
  found: ReadonlyArray<Listener>,
  at: string
): { readonly serving: ReadonlyMap<number, Serving>; readonly learned: ReadonlyArray<Learned> } => {
  const learned: Array<Learned> = []
  const serving = new Map<number, Serving>()
  for (const [port, key] of keys) {
    const mark = sockets.get(port)
    const known = before.get(port)
    if (mark === undefined) continue
    if (!fresh.has(port) && known !== undefined) {
      serving.set(port, known)
      continue
    }
    const owner = owners.get(key)
    const verdict = judge(
      owner,
      found.filter((listener) => listener.port === port)
    )
    if (verdict.learned !== undefined) learned.push({ key, port, owner: verdict.learned, at })
    const theirs = verdict.learned ?? owner
    serving.set(port, { key, owner: theirs, mark: markOf(key, theirs, mark), whose: verdict.whose })
  }
  return { serving, learned }
}
