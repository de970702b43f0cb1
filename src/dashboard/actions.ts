import type { Results } from "../commands/Results.ts"
import { escaped } from "../text/escape.ts"
import { type Answer, write } from "./api.ts"
import type { Runnable } from "./fixes.ts"
import { refresh } from "./live.ts"
import { update } from "./state.ts"

/** The changes that the page makes, and how it says what they came to. */

const portsText = (list: ReadonlyArray<{ readonly key: string; readonly port: number | null }>): string =>
  list.map(({ key, port }) => (port === null ? escaped(key) : `${escaped(key)} ${port}`)).join(", ")

/** The notes beside the document of a change. */
interface Noted {
  readonly notes?: ReadonlyArray<string>
}

/** Says what an answer came to, asks for what follows from it, and returns whether it was done. */
const told = async <A>(answer: Answer<A & Noted>, worded: (value: A) => string): Promise<boolean> => {
  if ("error" in answer) {
    const { hint, message } = answer.error
    update({ message: { text: `${message}. ${hint}`, isError: true } })
    return false
  }
  const { notes = [] } = answer.value
  update({ message: { text: [worded(answer.value), ...notes].join(". "), isError: false } })
  void refresh()
  return true
}

export const allocate = async (kind: "app" | "special", name: string, description: string): Promise<boolean> =>
  told(
    await write<Results["allocate"] & Noted>("allocate", {
      [kind]: [name],
      ...(description === "" ? {} : { description })
    }),
    ({ assignments }) => {
      const isNew = assignments.some(({ created }) => created)
      return isNew
        ? `Allocated ${portsText(assignments)}`
        : `${escaped(name)} has its port already: ${portsText(assignments)}`
    }
  )

export const release = async (kind: "app" | "special", name: string): Promise<boolean> =>
  told(await write<Results["release"] & Noted>("release", { [kind]: [name] }), ({ released }) =>
    released.length === 0 ? `${escaped(name)} had no port` : `Released ${portsText(released)}`
  )

export const undo = async (number: number): Promise<boolean> =>
  told(await write<Results["undo"] & Noted>("undo", { number }), () => `Undid ${number}`)

export const runFix = async ({ command, payload }: Runnable): Promise<boolean> =>
  told(await write<Noted>(command, payload), () => "Fixed")

/** Puts text into the clipboard. */
export const copy = async (text: string): Promise<void> => {
  try {
    await navigator.clipboard.writeText(text)
    update({ message: { text: "Copied", isError: false } })
  } catch {
    update({ message: { text: "The browser does not allow copying: select the text", isError: true } })
  }
}
