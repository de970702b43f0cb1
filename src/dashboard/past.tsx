import { useState } from "preact/hooks"
import type { PastOperation } from "../domain/PastOperation.ts"
import { changeTexts } from "../text/changeTexts.ts"
import { escaped } from "../text/escape.ts"
import { undo } from "./actions.ts"
import { Ago, Section } from "./parts.tsx"

/** Shows the changes, newest first, each with a button to undo it. */

/** How many operations, and changes of one, are shown. */
const SHOWN = 8
const CHANGES_SHOWN = 3

const Operation = ({ canWrite, operation }: { readonly operation: PastOperation; readonly canWrite: boolean }) => {
  const { at, changes, number, program, takenBackBy, takesBack, undoable, user, what } = operation
  const [isBusy, setBusy] = useState(false)
  const texts = changeTexts(changes).map(escaped)
  const more = texts.length - CHANGES_SHOWN
  const run = async () => {
    setBusy(true)
    await undo(number)
    setBusy(false)
  }
  return (
    <li class={takenBackBy === null ? "" : "gone"}>
      <div>
        <p>
          <strong>{takesBack === null ? what : `${what} of ${takesBack}`}</strong>{" "}
          <span class="muted">
            {takenBackBy === null ? "" : "taken back · "}
            <Ago at={at} /> · {user} · {program}
          </span>
        </p>
        <ul class="changes">
          {texts.slice(0, CHANGES_SHOWN).map((text) => (
            <li key={text}>
              <bdi>{text}</bdi>
            </li>
          ))}
          {more > 0 ? <li class="muted">and {more} more</li> : null}
        </ul>
      </div>
      {canWrite && undoable && takenBackBy === null ? (
        <button
          type="button"
          disabled={isBusy}
          aria-label={`Undo ${number}: ${[what, ...texts.slice(0, 1)].join(", ")}`}
          onClick={() => void run()}
        >
          Undo
        </button>
      ) : null}
    </li>
  )
}

interface HistoryProps {
  readonly operations: ReadonlyArray<PastOperation>
  readonly canWrite: boolean
}

export const Past = ({ canWrite, operations }: HistoryProps) => {
  const [isWhole, setWhole] = useState(false)
  const shown = isWhole ? operations : operations.slice(0, SHOWN)
  return (
    <Section id="history" title="History">
      {operations.length === 0 ? <p class="muted">Nothing has been changed yet.</p> : null}
      <ol class="operations">
        {shown.map((operation) => (
          <Operation key={operation.number} operation={operation} canWrite={canWrite} />
        ))}
      </ol>
      {operations.length > SHOWN ? (
        <button type="button" class="quiet" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? "Show less" : `Show ${operations.length - SHOWN} more`}
        </button>
      ) : null}
    </Section>
  )
}
