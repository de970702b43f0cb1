import { type Inspection, identityOf, type Outcome } from "./ending.ts"
import { arranged, moved, paneRoomIn, roomIn, said } from "./model.ts"
import { type Action, type Key, type Pane, SORTS, type State } from "./State.ts"

/** A key pressed on a state: the state after it, and what is to be done beyond the screen. */
export interface Pressed {
  readonly state: State
  readonly action?: Action
}

/** How long a process has after TERM, before KILL is offered. */
export const GRACE_MS = 5000

/** How far a key moves, by its name, with so many rows on the screen. */
const STEPS: Readonly<Record<string, (room: number) => number>> = {
  up: () => -1,
  down: () => 1,
  pageup: (room) => -room,
  pagedown: (room) => room,
  home: () => Number.NEGATIVE_INFINITY,
  end: () => Number.POSITIVE_INFINITY,
  g: () => Number.NEGATIVE_INFINITY,
  G: () => Number.POSITIVE_INFINITY
}

const stepOf = ({ name, text }: Key, room: number): number | undefined => (STEPS[text] ?? STEPS[name])?.(room)

const withPane = (state: State, pane: Pane | undefined): State => ({ ...state, pane })

/** A key while the filter is typed. What moves goes on moving. */
const typed = (state: State, key: Key): Pressed => {
  const { name, text } = key
  const filtered = (filter: string) => ({ state: arranged({ ...state, filter, cursor: 0, top: 0 }) })
  switch (name) {
    case "escape":
      return { state: arranged({ ...state, filter: "", filtering: false }) }
    case "return":
    case "enter":
      return { state: { ...state, filtering: false } }
    case "backspace":
      return filtered([...state.filter].slice(0, -1).join(""))
  }
  if (key.ctrl) return name === "u" ? filtered("") : { state }
  if (text !== "") return filtered(state.filter + text)
  const step = stepOf(key, roomIn(state.size))
  return { state: step === undefined ? state : moved(state, state.cursor + step) }
}

/** A key while a pane of so many lines is shown in the place of the list. */
const inPane = (state: State, pane: Pane, key: Key, lines: number): Pressed => {
  const closed = { state: withPane(state, undefined) }
  if (pane._tag === "End") {
    const { signal, targets } = pane
    return key.text === "y" || key.text === "Y"
      ? { ...closed, action: { _tag: "End", targets, signal } }
      : { state: said(closed.state, "nothing was ended", state.now) }
  }
  if (["escape", "return", "backspace"].includes(key.name) || ["q", "e", "?"].includes(key.text)) return closed
  const room = paneRoomIn(state.size)
  const step = stepOf(key, room) ?? 0
  const top = Math.max(0, Math.min(pane.top + step, lines - room))
  return { state: withPane(state, { ...pane, top }) }
}

/** What a letter does with the selected row. */
const onRow = (state: State, key: Key): Pressed => {
  const assignment = state.rows[state.cursor]
  if (assignment === undefined) return { state }
  const { port } = assignment
  if (key.text === "o") return { state, action: { _tag: "Open", port } }
  if (key.text === "k") return { state, action: { _tag: "Inspect", assignment } }
  if (key.text === "e" || key.name === "return" || key.name === "enter")
    return {
      state: withPane(state, { _tag: "Explain", port, told: undefined, top: 0 }),
      action: { _tag: "Explain", port }
    }
  return { state }
}

const nextSort = ({ sort }: State): State["sort"] => SORTS[(SORTS.indexOf(sort) + 1) % SORTS.length] ?? "port"

const inList = (state: State, key: Key): Pressed => {
  switch (key.text) {
    case "q":
      return { state, action: { _tag: "Quit" } }
    case "/":
      return { state: { ...state, filtering: true } }
    case "?":
      return { state: withPane(state, { _tag: "Help", top: 0 }) }
    case "s":
      return { state: arranged({ ...state, sort: nextSort(state) }) }
  }
  if (key.name === "escape") return { state: arranged({ ...state, filter: "" }) }
  const step = stepOf(key, roomIn(state.size))
  return step === undefined ? onRow(state, key) : { state: moved(state, state.cursor + step) }
}

const CONTROLS: Readonly<Record<string, Action>> = {
  c: { _tag: "Interrupt" },
  z: { _tag: "Suspend" },
  l: { _tag: "Redraw" }
}

/** Takes a key. `lines` is how many the pane has, if there is one. */
export const pressed = (state: State, key: Key, lines = 0): Pressed => {
  const action = key.ctrl ? CONTROLS[key.name] : undefined
  if (action !== undefined) return { state, action }
  if (state.pane !== undefined) return inPane(state, state.pane, key, lines)
  return state.filtering ? typed(state, key) : key.ctrl ? { state } : inList(state, key)
}

/** Takes the answer to what listens on a port: asks whether to end it, or says why that cannot be done. */
export const inspected = (
  state: State,
  assignment: Extract<Pane, { _tag: "End" }>["assignment"],
  found: Inspection,
  at: number
): State => {
  // Something else is being done by now, and a key that it takes must not be taken for an answer.
  if (state.pane !== undefined || state.filtering) return state
  if (found._tag === "Nothing") return said(state, `nothing visible listens on ${assignment.port}`, at)
  if (found._tag === "Refused") return withPane(state, { _tag: "Refused", refusal: found, top: 0 })
  const { targets } = found
  const sent = targets.flatMap((target) => state.terms.get(identityOf(target)) ?? [])
  const waited = at - Math.max(...sent)
  if (sent.length > 0 && waited < GRACE_MS)
    return said(
      state,
      `TERM was sent ${Math.round(waited / 1000)} s ago: after ${GRACE_MS / 1000} s, k offers KILL`,
      at
    )
  const signal = sent.length > 0 ? "SIGKILL" : "SIGTERM"
  return { ...state, now: at, pane: { _tag: "End", assignment, targets, signal } }
}

/** Says what came of an attempt to end processes, and notes which were sent a signal. */
export const ended = (state: State, { sent, text }: Outcome, at: number): State => ({
  ...said(state, text, at),
  terms: new Map([...state.terms, ...sent.map((target) => [identityOf(target), at] as const)])
})
