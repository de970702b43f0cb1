import { Invalid } from "../domain/errors.ts"
import { appOf } from "../domain/names.ts"
import type { HistoryFilter } from "../domain/PastOperation.ts"
import { keyOf } from "../domain/PortKey.ts"
import { parseSince } from "../domain/since.ts"
import type { Payload } from "./requestSchemas.ts"

const LIMIT = 20
/** A longer list is one for --since. */
const LIMIT_MAX = 1000

/** Options that each choose the operations in another way, and whether they go with the other ones. */
const ALONE = ["number", "trim"] as const
const WHICH = ["key", "app", "port"] as const

/** Returns the keys that are meant by the name of a key, which may be that of an app as well. */
const keysNamed = (name: string): ReadonlyArray<string> =>
  appOf(name) === null ? [name, `${name}-prod`, `${name}-dev`] : [name]

/** Returns which operations the arguments of `history` are about, or what is wrong with them. */
export const historyFilter = (payload: Payload<"history">, now: number): HistoryFilter | Invalid => {
  const { app, host, key, limit = LIMIT, number, port, since } = payload
  const given = Object.entries(payload).flatMap(([name, value]) => (value === undefined || value === false ? [] : name))
  const wrong = (argument: string, problem: string) => new Invalid({ command: "history", argument, problem })
  const alone = ALONE.find((name) => given.includes(name))
  const extra = alone === undefined ? undefined : given.find((name) => name !== alone)
  if (alone !== undefined && extra !== undefined) return wrong(extra, `does not go with ${alone}: give one of them`)
  const [first, second] = WHICH.filter((name) => given.includes(name))
  if (first !== undefined && second !== undefined) return wrong(second, `does not go with ${first}: give one of them`)
  if (limit > LIMIT_MAX) return wrong("limit", `${limit} is too large: at most ${LIMIT_MAX}`)
  const from = since === undefined ? undefined : parseSince(since, now)
  return {
    number,
    keys: key !== undefined ? keysNamed(key) : app === undefined ? undefined : [keyOf(app, "prod"), keyOf(app, "dev")],
    port,
    host,
    since: from === undefined ? undefined : new Date(from).toISOString(),
    limit
  }
}
