import type { ComponentChildren } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import type { Explanation } from "../domain/Explanation.ts"
import { appOf } from "../domain/names.ts"
import { escaped } from "../text/escape.ts"
import { release } from "./actions.ts"
import { read } from "./api.ts"
import { type Cell, STATE_WORDS } from "./board.ts"
import { Dialog } from "./dialog.tsx"
import { Explained } from "./explained.tsx"
import { Command, Glyph } from "./parts.tsx"

/** The page of one port. */

/** Releases a key's app or special, after one question. */
const Release = ({ done, name }: { readonly name: string; readonly done: () => void }) => {
  const app = appOf(name)
  const [isAsked, setAsked] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const answer = useRef<HTMLButtonElement>(null)
  // Once: a page that is drawn again leaves the focus where it is.
  useEffect(() => {
    if (isAsked) answer.current?.focus()
  }, [isAsked])
  const shown = escaped(app ?? name)
  const run = async () => {
    setBusy(true)
    if (await release(app === null ? "special" : "app", app ?? name)) done()
    setBusy(false)
  }
  if (!isAsked)
    return (
      <button type="button" class="danger" onClick={() => setAsked(true)}>
        Release {shown}
      </button>
    )
  return (
    <div class="question" role="group" aria-labelledby="release-question">
      <p id="release-question">
        {app === null
          ? `Release ${shown} and its port?`
          : `Release ${shown}, both its production and its development port?`}{" "}
        <span class="muted">Undo is in the history.</span>
      </p>
      <div class="buttons">
        <button type="button" class="danger" disabled={isBusy} ref={answer} onClick={() => void run()}>
          Release
        </button>
        <button type="button" onClick={() => setAsked(false)}>
          Cancel
        </button>
      </div>
    </div>
  )
}

interface PanelProps {
  readonly port: number
  /** The map's view of the port. If it changes, the port is explained again. */
  readonly cell: Cell | undefined
  readonly canWrite: boolean
  readonly close: () => void
  readonly said: ComponentChildren
}

export const PortPanel = ({ canWrite, cell, close, port, said }: PanelProps) => {
  const [explanation, setExplanation] = useState<Explanation>()
  const [problem, setProblem] = useState<string>()
  useEffect(() => {
    let isCurrent = true
    void read<Explanation>(`explain?port=${port}`).then((answer) => {
      if (!isCurrent) return
      if ("value" in answer) setExplanation(answer.value)
      setProblem("error" in answer ? answer.error.message : undefined)
    })
    return () => {
      isCurrent = false
    }
  }, [port, cell])
  const keys = explanation?.keys ?? []
  return (
    <Dialog labelledBy="port" class="panel" close={close} said={said}>
      <header>
        <h2 id="port">
          <span class="hidden">Port </span>
          {port}
        </h2>
        {cell === undefined ? null : (
          <span class="state">
            <Glyph state={cell.state} />
            {STATE_WORDS[cell.state]}
          </span>
        )}
        <button type="button" class="quiet" aria-label="Close" onClick={close}>
          Close
        </button>
      </header>
      {problem === undefined ? null : <p class="problem">{problem}</p>}
      {explanation === undefined ? <p class="muted">Asking …</p> : null}
      {explanation === undefined ? null : <Explained explanation={explanation} canWrite={canWrite} />}
      <footer class="buttons">
        {explanation !== undefined && explanation.listeners.length > 0 ? (
          <a class="button" href={`http://localhost:${port}`} target="_blank" rel="noreferrer">
            Open localhost:{port}
          </a>
        ) : null}
        {canWrite ? keys.map(({ key }) => <Release key={key} name={key} done={close} />) : null}
        {!canWrite && keys.length > 0 ? <Command line={`d explain ${port}`} /> : null}
      </footer>
    </Dialog>
  )
}
