import type { ComponentChildren } from "preact"
import { escaped } from "../text/escape.ts"
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

/** A time as d writes it. */
const TIMES = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)/

/** A text of others, whose times are shown by their distance. */
export const Timed = ({ text }: { readonly text: string }) => (
  <bdi>{text.split(TIMES).map((part, at) => (at % 2 === 0 ? escaped(part) : <Ago key={at} at={part} />))}</bdi>
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
