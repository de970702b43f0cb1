import type { Results } from "../commands/Results.ts"
import type { Assignment } from "../domain/Assignment.ts"
import type { ForeignPort } from "../domain/foreign.ts"
import { read } from "./api.ts"
import { state, update } from "./state.ts"

/** Keeps the state as the registry is: by events while they come, and by questions for what has none. */

interface List {
  readonly assignments: ReadonlyArray<Assignment>
  readonly foreign: ReadonlyArray<ForeignPort>
}

interface Change {
  readonly changed: ReadonlyArray<Assignment>
  readonly removed: ReadonlyArray<string>
  readonly foreign: ReadonlyArray<ForeignPort>
}

/** How often is asked for what has no events, in milliseconds. */
const REFRESH_MS = 30_000
/** How long changes are waited for before the findings and the history are asked for again. */
const SETTLED_MS = 400
const RETRY_MS = 2000
const AGED_MS = 10_000

let source: EventSource | undefined
let retry: ReturnType<typeof setTimeout> | undefined

const byKey = (list: ReadonlyArray<Assignment>): ReadonlyMap<string, Assignment> =>
  new Map(list.map((each) => [each.key, each]))

const byPort = (foreign: ReadonlyArray<ForeignPort>): ReadonlyMap<number, string> =>
  new Map(foreign.map(({ command, port }) => [port, command ?? "another program"]))

/** Lets `work` run once at a time; if it is wanted meanwhile, once more after that. */
const oneAtATime = (work: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined
  let isWanted = false
  const run = async () => {
    do {
      isWanted = false
      await work()
    } while (isWanted)
    running = undefined
  }
  return () => {
    if (running === undefined) running = run()
    else isWanted = true
    return running
  }
}

const askDoctor = oneAtATime(async () => {
  const answer = await read<Results["doctor"]>("doctor")
  if ("value" in answer) update({ examination: answer.value })
})

const askHistory = oneAtATime(async () => {
  const [history, reserved, status] = await Promise.all([
    read<Results["history"]>("history?limit=30"),
    read<Results["listReserved"]>("reserved?all"),
    read<Results["status"]>("status")
  ])
  update({
    ...("value" in history ? { operations: history.value.operations } : {}),
    ...("value" in reserved ? { reserved: reserved.value } : {}),
    ...("value" in status ? { status: status.value } : {})
  })
})

/** Asks again for what has no events. */
export const refresh = async (): Promise<void> => {
  await Promise.all([askHistory(), askDoctor()])
}

let settled: ReturnType<typeof setTimeout> | undefined
/** Whether a command made one of the changes since the last time that was asked. */
let wasWritten = false

/** Asks for what follows from changes, after the last of a row of them. */
const refreshSoon = (isWritten: boolean): void => {
  wasWritten ||= isWritten
  clearTimeout(settled)
  settled = setTimeout(() => {
    void (wasWritten ? refresh() : askDoctor())
    wasWritten = false
  }, SETTLED_MS)
}

/** Applies a change, and returns whether a command made it, not a server that came or went. */
const apply = ({ changed, foreign, removed }: Change): boolean => {
  const before = state().assignments
  const assignments = new Map(before)
  for (const key of removed) assignments.delete(key)
  for (const each of changed) assignments.set(each.key, each)
  update({ assignments, foreign: byPort(foreign), knownAt: Date.now() })
  return (
    removed.length > 0 ||
    changed.some((each) => {
      const old = before.get(each.key)
      return old?.port !== each.port || old.description !== each.description || old.pinned !== each.pinned
    })
  )
}

const close = (): void => {
  clearTimeout(retry)
  source?.close()
  source = undefined
}

const open = (): void => {
  close()
  source = new EventSource("/api/events")
  source.addEventListener("list", ({ data }) => {
    const { assignments, foreign }: List = JSON.parse(data)
    update({
      link: "live",
      problem: null,
      knownAt: Date.now(),
      assignments: byKey(assignments),
      foreign: byPort(foreign)
    })
    void refresh()
  })
  source.addEventListener("change", ({ data }) => refreshSoon(apply(JSON.parse(data))))
  source.addEventListener("problem", ({ data }) => {
    update({ link: "reconnecting", problem: JSON.parse(data).error.message })
  })
  source.addEventListener("error", () => {
    update({ link: state().knownAt === null ? "connecting" : "reconnecting" })
    // After an answer that is no stream the browser gives up.
    if (source?.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_MS)
  })
}

const every = (milliseconds: number, work: () => Promise<void>): void => {
  const again = () =>
    setTimeout(async () => {
      if (source !== undefined && state().link === "live") await work()
      again()
    }, milliseconds)
  again()
}

/** Follows the registry while the page can be seen. A page in the background costs nothing. */
export const follow = (): void => {
  if (!document.hidden) open()
  every(REFRESH_MS, refresh)
  // Draws again what says how long ago something was.
  setInterval(() => update({}), AGED_MS)
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close()
    else if (source === undefined) {
      update({ link: state().knownAt === null ? "connecting" : "reconnecting" })
      open()
    }
  })
}
