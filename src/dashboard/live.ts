import type { Results } from "../commands/Results.ts"
import type { Assignment } from "../domain/Assignment.ts"
import { read } from "./api.ts"
import { state, update } from "./state.ts"

/** Keeps the state as the registry is: by events while they come, and by questions for what has none. */

interface Change {
  readonly changed: ReadonlyArray<Assignment>
  readonly removed: ReadonlyArray<string>
}

/** How often is asked for what has no events, in milliseconds: what listens without a key, and all findings. */
const FOREIGN_MS = 1500
const DOCTOR_MS = 30_000
/** How long changes are waited for before the findings and the history are asked for again. */
const SETTLED_MS = 400
const RETRY_MS = 2000
const AGED_MS = 10_000

const SQUATTED = "port-squatted"

let source: EventSource | undefined
let retry: ReturnType<typeof setTimeout> | undefined

const byKey = (list: ReadonlyArray<Assignment>): ReadonlyMap<string, Assignment> =>
  new Map(list.map((each) => [each.key, each]))

/** The program in the message of a finding about a listener without a key: `3016 is in use by node, pid 7, …`. */
const PROGRAM = /^\d+ is in use by ([^,]+),/

/** Returns the ports of findings about listeners without a key, and the program of each. */
const foreignIn = ({ findings }: Results["doctor"]): ReadonlyMap<number, string> =>
  new Map(
    findings.flatMap(({ check, message, ports: [port] }) =>
      check === SQUATTED && port !== undefined ? [[port, PROGRAM.exec(message)?.[1] ?? "unknown"] as const] : []
    )
  )

const isSame = (a: ReadonlyMap<number, string>, b: ReadonlyMap<number, string>): boolean =>
  a.size === b.size && [...a].every(([port, text]) => b.get(port) === text)

const askForeign = async (): Promise<void> => {
  const answer = await read<Results["doctor"]>(`doctor?check=${SQUATTED}`)
  if (!("value" in answer)) return
  const foreign = foreignIn(answer.value)
  if (!isSame(foreign, state().foreign)) update({ foreign })
}

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
  await Promise.all([askHistory(), askForeign(), askDoctor()])
}

let settled: ReturnType<typeof setTimeout> | undefined

/** Asks for what follows from changes, after the last of a row of them. */
const refreshSoon = (isWritten: boolean): void => {
  clearTimeout(settled)
  settled = setTimeout(() => void (isWritten ? refresh() : askDoctor()), SETTLED_MS)
}

/** Applies a change, and returns whether a command made it, not a server that came or went. */
const apply = ({ changed, removed }: Change): boolean => {
  const before = state().assignments
  const assignments = new Map(before)
  for (const key of removed) assignments.delete(key)
  for (const each of changed) assignments.set(each.key, each)
  update({ assignments, knownAt: Date.now() })
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
    update({ link: "live", knownAt: Date.now(), assignments: byKey(JSON.parse(data)) })
    void refresh()
  })
  let wasWritten = false
  source.addEventListener("change", ({ data }) => {
    wasWritten = apply(JSON.parse(data)) || wasWritten
    refreshSoon(wasWritten)
  })
  source.addEventListener("problem", ({ data }) => {
    update({ link: "reconnecting", message: { text: JSON.parse(data).error.message, isError: true } })
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
  open()
  every(FOREIGN_MS, askForeign)
  every(DOCTOR_MS, refresh)
  // Draws again what says how long ago something was.
  setInterval(() => update({}), AGED_MS)
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close()
    else if (source === undefined) {
      update({ link: "reconnecting" })
      open()
    }
  })
}
