import { useEffect, useMemo, useRef, useState } from "preact/hooks"
import type { Finding } from "../domain/Finding.ts"
import { Allocation } from "./allocation.tsx"
import { hasToken } from "./api.ts"
import { type Board, boardOf, CELL_STATES, type CellState, STATE_NAMES, STATE_WORDS } from "./board.ts"
import { type Filter, isFiltering, matching } from "./filter.ts"
import { Doctor } from "./findings.tsx"
import { Ago, Command, Glyph } from "./parts.tsx"
import { Past } from "./past.tsx"
import { PortList } from "./portList.tsx"
import { PortMap } from "./portMap.tsx"
import { PortPanel } from "./portPanel.tsx"
import { type Message, type State, state, subscribe, update } from "./state.ts"
import { applyTheme, keptTheme, THEMES } from "./theme.ts"

/** The whole page. */

const useRegistry = (): State => {
  const [current, setCurrent] = useState(state())
  useEffect(() => subscribe(() => setCurrent(state())), [])
  return current
}

/** The board, whose cells stay the same as long as they say the same. */
const useBoard = (current: State): Board => {
  const before = useRef<Board | undefined>(undefined)
  return useMemo(() => {
    before.current = boardOf(current, before.current)
    return before.current
  }, [current.assignments, current.examination, current.foreign, current.reserved, current.status])
}

const portInAddress = (): number | undefined => {
  const port = Number(location.hash.slice(1))
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : undefined
}

/** The port that is open. It is in the address, so that going back closes it. */
const useOpenPort = () => {
  const [port, setPort] = useState(portInAddress())
  useEffect(() => {
    const follow = () => setPort(portInAddress())
    window.addEventListener("hashchange", follow)
    return () => window.removeEventListener("hashchange", follow)
  }, [])
  const open = (next: number) => {
    update({ message: null })
    location.hash = String(next)
  }
  const close = () => {
    history.replaceState(null, "", location.pathname)
    setPort(undefined)
  }
  return { port, open, close }
}

/** Says how much is wrong, and leads to it: on a narrow screen it is far below. */
const Problems = ({ findings }: { readonly findings: ReadonlyArray<Finding> }) => {
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

const LINK_WORDS = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting" } as const

const THEME_NAMES = { auto: "Auto", light: "Light", dark: "Dark" } as const

const ThemeButton = () => {
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
const Legend = ({ board, chosen, toggle }: LegendProps) => (
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

const ReadOnly = ({ isRefused }: { readonly isRefused: boolean }) => (
  <div class="note">
    <p>
      {isRefused ? "The daemon no longer accepts this page's token." : "This page is read-only."} To change ports from
      it:
    </p>
    <Command line="d dashboard" />
  </div>
)

/** What the last change came to. */
const Said = ({ message }: { readonly message: Message | null }) => (
  <div class={`message${message?.isError ? " wrong" : ""}`} role={message?.isError ? "alert" : "status"}>
    {message === null ? null : <bdi>{message.text}</bdi>}
  </div>
)

/** Moves the focus into the search field at `/`. */
const useSlash = () => {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const search = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLInputElement || document.querySelector("dialog[open]") !== null
      if (event.key !== "/" || isTyping || event.ctrlKey || event.altKey || event.metaKey) return
      event.preventDefault()
      field.current?.focus()
      field.current?.select()
    }
    document.addEventListener("keydown", search)
    return () => document.removeEventListener("keydown", search)
  }, [])
  return field
}

const toggled = <A,>(set: ReadonlySet<A>, each: A): ReadonlySet<A> =>
  new Set(set.has(each) ? [...set].filter((other) => other !== each) : [...set, each])

export const Page = () => {
  const current = useRegistry()
  const board = useBoard(current)
  const { close, open, port } = useOpenPort()
  const field = useSlash()
  const [view, setView] = useState<"map" | "list">("map")
  const [filter, setFilter] = useState<Filter>({ query: "", states: new Set() })
  const [isAllocating, setAllocating] = useState(false)
  const found = useMemo(
    () => (isFiltering(filter) ? matching(board, current.assignments.values(), filter) : null),
    [board, current.assignments, filter]
  )
  const { examination, knownAt, link, message, operations } = current
  const canWrite = hasToken()
  const allocate = () => {
    update({ message: null })
    setAllocating(true)
  }
  const said = <Said message={message} />
  const isOld = link === "reconnecting" && knownAt !== null
  const onSearchKey = ({ key }: KeyboardEvent) => {
    if (key === "Escape") {
      setFilter({ query: "", states: new Set() })
      field.current?.blur()
    }
    const [first] = found ?? []
    if (key === "Enter" && first !== undefined) open(first)
  }
  return (
    <>
      <header class="top">
        <h1>Ports</h1>
        <span class={`link ${link}`} role="status">
          <i aria-hidden="true" />
          {LINK_WORDS[link]}
          {isOld ? (
            <span class="muted">
              {" "}
              · as of <Ago at={new Date(knownAt).toISOString()} />
            </span>
          ) : null}
        </span>
        <span class="space" />
        <Problems findings={examination?.findings ?? []} />
        <ThemeButton />
        {canWrite ? (
          <button type="button" class="primary" onClick={allocate}>
            Allocate
          </button>
        ) : null}
      </header>
      <main class={isOld ? "old" : ""}>
        <div class="tools">
          <Legend
            board={board}
            chosen={filter.states}
            toggle={(each) => setFilter({ ...filter, states: toggled(filter.states, each) })}
          />
          <div class="search">
            <input
              ref={field}
              type="search"
              aria-label="Search keys, ports, descriptions and directories"
              placeholder="Search"
              aria-keyshortcuts="/"
              value={filter.query}
              onInput={({ currentTarget }) => setFilter({ ...filter, query: currentTarget.value })}
              onKeyDown={onSearchKey}
            />
            <span class="key-hint" aria-hidden="true">
              /
            </span>
          </div>
          <span class="hidden" role="status">
            {found === null ? "" : `${found.size} ports found`}
          </span>
          <div class="views" role="group" aria-label="View">
            <button type="button" aria-pressed={view === "map"} onClick={() => setView("map")}>
              Map
            </button>
            <button type="button" aria-pressed={view === "list"} onClick={() => setView("list")}>
              List
            </button>
          </div>
        </div>
        <div class="columns">
          <section class="ports" aria-label="Ports">
            {view === "map" ? (
              <PortMap board={board} found={found} open={open} />
            ) : (
              <PortList board={board} assignments={current.assignments} found={found} open={open} />
            )}
          </section>
          <div class="side">
            {canWrite ? null : <ReadOnly isRefused={current.isRefused} />}
            <Doctor examination={examination} canWrite={canWrite} />
            <Past operations={operations} canWrite={canWrite} />
          </div>
        </div>
      </main>
      {isAllocating || port !== undefined ? null : said}
      {isAllocating ? <Allocation close={() => setAllocating(false)} said={said} /> : null}
      {port === undefined ? null : (
        <PortPanel key={port} port={port} cell={board.cells.get(port)} canWrite={canWrite} close={close} said={said} />
      )}
    </>
  )
}
