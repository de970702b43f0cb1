import { useEffect, useMemo, useRef, useState } from "preact/hooks"
import { parsePort } from "../domain/names.ts"
import { Allocation } from "./allocation.tsx"
import { hasToken, keepToken } from "./api.ts"
import { Legend, LINK_WORDS, Problems, ReadOnly, Said, ThemeButton } from "./bar.tsx"
import { type Board, boardOf } from "./board.ts"
import { type Filter, isFiltering, matching } from "./filter.ts"
import { Doctor } from "./findings.tsx"
import { Ago } from "./parts.tsx"
import { Past } from "./past.tsx"
import { PortList } from "./portList.tsx"
import { PortMap } from "./portMap.tsx"
import { PortPanel } from "./portPanel.tsx"
import { type State, state, subscribe, update } from "./state.ts"

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

const portInAddress = (): number | undefined => parsePort(location.hash.slice(1))

/** The port that is open. It is in the address, so that going back closes it. */
const useOpenPort = () => {
  const [port, setPort] = useState(portInAddress())
  useEffect(() => {
    const follow = () => {
      // A new address with a token, in a page that is open already.
      keepToken()
      setPort(portInAddress())
    }
    window.addEventListener("hashchange", follow)
    return () => window.removeEventListener("hashchange", follow)
  }, [])
  const open = (next: number) => {
    update({ message: null })
    location.hash = String(next)
  }
  /** Closes the page of `shown`. The browser tells that it was closed later, when another one may be open. */
  const close = (shown: number) => {
    if (portInAddress() !== shown) return
    history.replaceState(null, "", location.pathname)
    setPort(undefined)
  }
  return { port, open, close }
}

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
  const { examination, knownAt, link, message, operations, problem } = current
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
          {problem === null ? null : <bdi class="muted"> · {problem}</bdi>}
        </span>
        <ThemeButton />
        <span class="break" />
        <Problems findings={examination?.findings ?? []} />
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
        <PortPanel
          key={port}
          port={port}
          cell={board.cells.get(port)}
          canWrite={canWrite}
          close={() => close(port)}
          said={said}
        />
      )}
    </>
  )
}
