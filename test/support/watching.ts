import type { Assignment } from "../../src/domain/Assignment.ts"
import type { HealthState } from "../../src/domain/Health.ts"
import { kindOf } from "../../src/domain/names.ts"
import { pressed } from "../../src/watch/keys.ts"
import { started } from "../../src/watch/model.ts"
import type { Key, Size, State } from "../../src/watch/State.ts"

/** A time in the middle of a day. */
export const NOON = new Date(2026, 10, 26, 12, 0, 0).getTime()

export const listenerOf = (pid: number): Assignment["listener"] => ({
  address: "127.0.0.1",
  pid,
  command: "node",
  directory: "/opt/dev/cad",
  unit: null,
  container: null,
  user: "me"
})

/** An assignment as a list has it. */
export const assigned = (
  key: string,
  port: number,
  state: HealthState = "unknown",
  more: Partial<Assignment> = {}
): Assignment => ({
  key,
  port,
  kind: kindOf(key),
  app: null,
  description: null,
  host: "box",
  owner: null,
  pinned: false,
  health: { state, since: null, lastUp: null, checkedAt: null },
  listener: state === "up" ? listenerOf(4711) : null,
  ...more
})

/** So many keys. */
export const many = (count: number): ReadonlyArray<Assignment> =>
  Array.from({ length: count }, (_, at) => assigned(`key-${String(at).padStart(4, "0")}`, 3000 + at))

/** What a daemon answered, so many milliseconds after noon. */
export const looked = (list: ReadonlyArray<Assignment>, after = 0) => ({
  at: NOON + after,
  by: "daemon" as const,
  list,
  notes: []
})

/** A state at noon. */
export const watching = (
  list: ReadonlyArray<Assignment>,
  size: Size = { columns: 80, rows: 24 },
  health?: HealthState
): State => started(looked(list), size, { title: "d watch", health })

const keyOf = (typed: string): Key =>
  /^[A-Za-z0-9/? ]$/.test(typed)
    ? { name: typed.toLowerCase(), text: typed, ctrl: false }
    : typed.startsWith("ctrl-")
      ? { name: typed.slice(5), text: "", ctrl: true }
      : { name: typed, text: "", ctrl: false }

/** Presses keys, by their names. Returns the state, and what the last one asks for. */
export const press = (state: State, ...keys: ReadonlyArray<string>) => {
  let last: ReturnType<typeof pressed> = { state }
  for (const key of keys) last = pressed(last.state, keyOf(key), 30)
  return last
}
