import type { ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"

interface DialogProps {
  /** The id of its heading. */
  readonly labelledBy: string
  readonly class: string
  readonly close: () => void
  /** The outcome of the last change. Screen readers read nothing outside an open dialog. */
  readonly said: ComponentChildren
  readonly children: ComponentChildren
}

/** Shows a dialog. Escape and a click outside close it, and the focus returns to where it was. */
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
