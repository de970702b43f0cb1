import type { ComponentChildren } from "preact"
import { copy } from "./actions.ts"
import type { CellState } from "./board.ts"
import { ago, local } from "./time.ts"

/** Small parts that several others are made of. */

/** The shape of a state, beside its colour. */
export const Glyph = ({ state }: { readonly state: CellState }) => <i class={`glyph ${state}`} aria-hidden="true" />

/** A point in time by its distance; the tooltip has the whole. */
export const Ago = ({ at }: { readonly at: string }) => (
  <time dateTime={at} title={local(at)}>
    {ago(at)}
  </time>
)

/** A command to type, with a button that copies it. */
export const Command = ({ line }: { readonly line: string }) => (
  <div class="command">
    <code>{line}</code>
    <button type="button" class="quiet" aria-label={`Copy ${line}`} onClick={() => void copy(line)}>
      Copy
    </button>
  </div>
)

export const Section = ({
  children,
  id,
  side,
  title
}: {
  readonly id: string
  readonly title: string
  readonly side?: ComponentChildren
  readonly children: ComponentChildren
}) => (
  <section class="card" aria-labelledby={id}>
    <header>
      <h2 id={id} tabIndex={-1}>
        {title}
      </h2>
      {side}
    </header>
    {children}
  </section>
)
