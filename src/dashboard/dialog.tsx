import type { ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"

interface DialogProps {
  /** The id of its heading. */
  readonly labelledBy: string
  readonly class: string
  readonly close: () => void
  /** What the last change came to: while a dialog is open, nothing beside it is read out. */
  readonly said: ComponentChildren
  readonly children: ComponentChildren
}

/** A dialog: Escape and a click beside it close it, and the focus goes back to where it was. */
export const Dialog = ({ children, class: name, close, labelledBy, said }: DialogProps) => {
  const place = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    place.current?.showModal()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same
    <dialog
      ref={place}
      class={name}
      aria-labelledby={labelledBy}
      onClose={close}
      onClick={({ target }) => {
        if (target === place.current) close()
      }}
    >
      <div class="inside">{children}</div>
      {said}
    </dialog>
  )
}
