import { expect, it } from "vitest"
import type { Inspection, Target } from "../../src/watch/ending.ts"
import { ended, GRACE_MS, inspected } from "../../src/watch/keys.ts"
import { assigned, NOON, press, watching } from "../support/watching.ts"

const DEV = assigned("cad-dev", 3001, "up")
const STATE = watching([DEV, assigned("pt", 3500)])

const TARGET: Target = {
  pid: 4711,
  start: "100",
  port: 3001,
  command: "node",
  commandLine: "node server.js",
  directory: "/opt/dev/cad",
  startedAt: null,
  addresses: ["127.0.0.1"]
}

const FOUND: Inspection = { _tag: "Targets", targets: [TARGET] }

it("acts on the selected row", () => {
  expect(press(STATE, "o").action).toEqual({ _tag: "Open", port: 3001 })
  expect(press(STATE, "down", "e").action).toEqual({ _tag: "Explain", port: 3500 })
  expect(press(STATE, "return").action).toEqual({ _tag: "Explain", port: 3001 })
  expect(press(STATE, "k").action).toEqual({ _tag: "Inspect", assignment: DEV })
})

it("quits, and is interrupted and suspended wherever it is", () => {
  expect(press(STATE, "q").action).toEqual({ _tag: "Quit" })
  for (const before of [[], ["/"], ["?"], ["e"]]) {
    expect(press(STATE, ...before, "ctrl-c").action).toEqual({ _tag: "Interrupt" })
    expect(press(STATE, ...before, "ctrl-z").action).toEqual({ _tag: "Suspend" })
  }
})

it("takes letters as text while a filter is typed", () => {
  const { action, state } = press(STATE, "/", "q", "k", "o", "s", "e", "/", "?")
  expect(action).toBeUndefined()
  expect(state.filter).toBe("qkose/?")
})

it("scrolls a pane within its lines, and closes it", () => {
  const help = press(STATE, "?").state
  expect(press(help, "down", "down").state.pane).toMatchObject({ top: 2 })
  // 30 lines, of which 21 are on the screen.
  expect(press(help, "end").state.pane).toMatchObject({ top: 9 })
  expect(press(help, "end", "up").state.pane).toMatchObject({ top: 8 })
  for (const key of ["escape", "q", "?", "return"]) expect(press(help, key).state.pane).toBeUndefined()
  expect(press(help, "k").action).toBeUndefined()
})

it("ends a process only after y, and leaves it alone after any other key", () => {
  const asked = inspected(STATE, DEV, FOUND, NOON)
  expect(asked.pane).toMatchObject({ _tag: "End", signal: "SIGTERM" })
  expect(press(asked, "y").action).toEqual({ _tag: "End", targets: [TARGET], signal: "SIGTERM" })
  for (const key of ["n", "k", "return", "escape", " ", "down"]) {
    const { action, state } = press(asked, key)
    expect(action, key).toBeUndefined()
    expect(state.pane, key).toBeUndefined()
    expect(state.said?.text).toBe("nothing was ended")
  }
})

it("does not ask in the middle of something else, whose keys would be taken for an answer", () => {
  expect(inspected(press(STATE, "/").state, DEV, FOUND, NOON).pane).toBeUndefined()
  expect(inspected(press(STATE, "?").state, DEV, FOUND, NOON).pane).toMatchObject({ _tag: "Help" })
})

it("says why something is not ended, and what ends it", () => {
  const refusal = { why: "it is alice's", command: "sudo kill 4711", advice: null }
  const state = inspected(STATE, DEV, { _tag: "Refused", ...refusal }, NOON)
  expect(state.pane).toMatchObject({ _tag: "Refused", refusal })
  expect(press(state, "y").action).toBeUndefined()
  expect(press(state, "escape").state.pane).toBeUndefined()
  expect(inspected(STATE, DEV, { _tag: "Nothing" }, NOON).said?.text).toBe("nothing visible listens on 3001")
})

it("offers KILL only if the same process is still there a while after TERM", () => {
  const sent = ended(STATE, { text: "TERM sent", sent: [TARGET] }, NOON)
  const early = inspected(sent, DEV, FOUND, NOON + GRACE_MS - 1000)
  expect(early.pane).toBeUndefined()
  expect(early.said?.text).toBe("TERM was sent 4 s ago: after 5 s, k offers KILL")
  expect(inspected(sent, DEV, FOUND, NOON + GRACE_MS).pane).toMatchObject({ signal: "SIGKILL" })
  // Another one that has the same pid by now.
  const other: Inspection = { _tag: "Targets", targets: [{ ...TARGET, start: "200" }] }
  expect(inspected(sent, DEV, other, NOON + GRACE_MS).pane).toMatchObject({ signal: "SIGTERM" })
})
