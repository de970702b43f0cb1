import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import { appProblem, keyProblem } from "../domain/names.ts"
import { allocate } from "./actions.ts"
import { Dialog } from "./dialog.tsx"

interface AllocationProps {
  readonly close: () => void
  readonly said: ComponentChildren
}

/** The form that allocates ports. */
export const Allocation = ({ close, said }: AllocationProps) => {
  const [kind, setKind] = useState<"app" | "special">("app")
  const [name, setName] = useState("")
  const [description, setDescription] = useState("")
  const [problem, setProblem] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: Event) => {
    event.preventDefault()
    const wrong = kind === "app" ? appProblem(name) : keyProblem(name)
    setProblem(wrong === undefined ? undefined : `This name ${wrong}`)
    if (wrong !== undefined) return
    setBusy(true)
    const isDone = await allocate(kind, name, description.trim())
    setBusy(false)
    if (isDone) close()
  }
  const choice = (value: typeof kind, text: string, about: string) => (
    <label class="choice">
      <input type="radio" name="kind" checked={kind === value} onChange={() => setKind(value)} />
      <span>
        <strong>{text}</strong>
        <span class="muted">{about}</span>
      </span>
    </label>
  )
  return (
    <Dialog labelledBy="allocate" class="form" close={close} said={said}>
      <h2 id="allocate">Allocate</h2>
      <form onSubmit={(event) => void submit(event)}>
        <fieldset>
          <legend class="hidden">For what</legend>
          {choice("app", "App", "a pair of ports: production and development")}
          {choice("special", "Special", "one port: a database, a bridge, a proxy")}
        </fieldset>
        <label class="field">
          Name
          <input
            type="text"
            name="name"
            value={name}
            required
            autocomplete="off"
            spellcheck={false}
            aria-invalid={problem !== undefined}
            aria-describedby="name-problem"
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
        <p id="name-problem" class="problem" role="alert">
          {problem}
        </p>
        <label class="field">
          <span>
            Description <span class="muted">optional</span>
          </span>
          <input
            type="text"
            name="description"
            value={description}
            autocomplete="off"
            onInput={({ currentTarget }) => setDescription(currentTarget.value)}
          />
        </label>
        <div class="buttons">
          <button type="submit" class="primary" disabled={isBusy}>
            Allocate
          </button>
          <button type="button" onClick={close}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  )
}
