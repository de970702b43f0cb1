import { useState } from "preact/hooks"
import type { Finding } from "../domain/Finding.ts"
import { type Board, CELL_STATES, type CellState, STATE_NAMES, STATE_WORDS } from "./board.ts"
import { Command, Glyph } from "./parts.tsx"
import type { Message } from "./state.ts"
import { applyTheme, keptTheme, THEMES } from "./theme.ts"

/** The parts around the ports. */

/** Says how much is wrong, and leads to it: on a narrow screen it is far below. */
export const Problems = ({ findings }: { readonly findings: ReadonlyArray<Finding> }) => {
  const serious = findings.filter(({ severity }) => severity !== "info")
  const [worst] = serious
  if (worst === undefined) return null
  const show = () => {
    const heading = document.getElementById("doctor")
    heading?.scrollIntoView()
    heading?.focus()
  }
  return (
    <button type="button" class={`tag ${worst.severity}`} onClick={show}>
      {serious.length === 1 ? "1 problem" : `${serious.length} problems`}
    </button>
  )
}

export const LINK_WORDS = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting" } as const

const THEME_NAMES = { auto: "Auto", light: "Light", dark: "Dark" } as const

export const ThemeButton = () => {
  const [theme, setTheme] = useState(keptTheme())
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto"
  const change = () => {
    applyTheme(next)
    setTheme(next)
  }
  return (
    <button type="button" class="quiet" aria-label={`${THEME_NAMES[theme]} theme; change to ${next}`} onClick={change}>
      {THEME_NAMES[theme]}
      <span class="wide"> theme</span>
    </button>
  )
}

interface LegendProps {
  readonly board: Board
  readonly chosen: ReadonlySet<CellState>
  readonly toggle: (state: CellState) => void
}

/** The states that are always shown; the others only if a port is in them. */
const USUAL: ReadonlyArray<CellState> = ["up", "down", "stale", "foreign", "reserved", "free"]

/** Says what the shapes mean and how many there are of each, and filters by them. */
export const Legend = ({ board, chosen, toggle }: LegendProps) => (
  <div class="legend" role="group" aria-label="Filter by state">
    {CELL_STATES.filter((each) => USUAL.includes(each) || board.counts[each] > 0).map((each) => (
      <button
        type="button"
        key={each}
        title={STATE_WORDS[each]}
        aria-pressed={chosen.has(each)}
        onClick={() => toggle(each)}
      >
        <Glyph state={each} />
        <span>{STATE_NAMES[each]}</span>
        <span class="count">{board.counts[each]}</span>
      </button>
    ))}
  </div>
)

export const ReadOnly = ({ isRefused }: { readonly isRefused: boolean }) => (
  <div class="note">
    <p>
      {isRefused ? "The daemon no longer accepts this page's token." : "This page is read-only."} To change ports from
      it:
    </p>
    <Command line="d dashboard" />
  </div>
)

/** The outcome of the last change. */
export const Said = ({ message }: { readonly message: Message | null }) => (
  <div class={`message${message?.isError ? " wrong" : ""}`} role={message?.isError ? "alert" : "status"}>
    {message === null ? null : <bdi>{message.text}</bdi>}
  </div>
)
