import * as Prompt from "@effect/cli/Prompt"
import type { QuitException, UserInput } from "@effect/platform/Terminal"
import { Terminal } from "@effect/platform/Terminal"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Effect from "effect/Effect"
import { escaped } from "../text/escape.ts"
import { cutTo, widthOf } from "../text/width.ts"

/**
 * Questions to a person at a terminal. It is a part loaded on demand: who calls it has made sure that a person is there, by
 * `canAsk` of the CLI. Undefined is the answer of somebody who leaves with Ctrl-C, Ctrl-D or Escape.
 */

export interface Choice {
  /** A few words that stay on one line; what is too wide is cut. */
  readonly title: string
  /** Shown beside the title of the choice at the cursor. */
  readonly description?: string
  /** Whether it is chosen at first. */
  readonly selected?: boolean
}

/** What is shown around a title: the mark at its left, the box, and the spaces between. */
const FRAME = 6
/** What is shown around a question that is answered on the same line, and the least that is left for its answer. */
const BESIDE = 16
/** The lines around the choices: the question, the line below it, and the one that the shell is on afterwards. */
const LINES_AROUND = 3
/** The lines that the prompt has beside the choices: to choose all or none, and to invert. */
const OWN_LINES = 2

const quits = ({ key: { ctrl, name } }: UserInput): boolean =>
  name === "escape" || (ctrl && (name === "c" || name === "d"))

/** Waits until nobody can answer any more, because the terminal is gone. */
const gone = Effect.async<void>((resume) => {
  const end = () => resume(Effect.void)
  process.stdin.on("end", end).on("error", end)
  return Effect.sync(() => void process.stdin.off("end", end).off("error", end))
})

/** Asks, and returns the answer; undefined if somebody leaves instead. */
const ask = <A>(asks: (terminal: Terminal) => Effect.Effect<A, QuitException, Prompt.Prompt.Environment>) =>
  Effect.gen(function* () {
    const terminal = yield* NodeTerminal.make(quits)
    const answered = Effect.provideService(asks(terminal), Terminal, terminal)
    // The question stays on the screen, and what is said next begins a line of its own.
    const left = Effect.as(Effect.ignore(terminal.display("\n")), undefined)
    return yield* Effect.raceFirst(
      Effect.catchTag(answered, "QuitException", () => left),
      Effect.as(gone, undefined)
    )
    // Other questions of this library list files.
  }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, NodePath.layer]), Effect.runPromise)

/** The columns of a terminal, even of one that does not say how many it has. */
const columnsOf = (terminal: Terminal) => Effect.map(terminal.columns, (columns) => columns || 80)

/** Makes a question of a few words with `choices`, each on a line of its own, for the room that the terminal has. */
const question = (terminal: Terminal, title: string, choices: ReadonlyArray<Choice>, ownLines: number) =>
  Effect.gen(function* () {
    const rows = (yield* terminal.rows) || 24
    // The prompt counts lines by characters to clear them: none may be wrapped.
    const room = Math.max(1, (yield* columnsOf(terminal)) - FRAME)
    return {
      message: cutTo(escaped(title), room),
      choices: choices.map(({ description = "", selected = false, title: name }, value) => {
        const shown = cutTo(escaped(name), room)
        const left = room - widthOf(shown) - 3
        return { title: shown, description: left < 8 ? "" : cutTo(escaped(description), left), selected, value }
      }),
      maxPerPage: Math.max(1, Math.min(choices.length + ownLines, rows - LINES_AROUND))
    }
  })

/** Lets somebody choose some of `choices`, and returns their positions in order. `title` is a question of a few words. */
export const chooseSome = (title: string, choices: ReadonlyArray<Choice>): Promise<ReadonlyArray<number> | undefined> =>
  ask((terminal) =>
    Effect.flatMap(question(terminal, title, choices, OWN_LINES), (asked) =>
      Prompt.multiSelect({ ...asked, selectAll: "all", selectNone: "none", inverseSelection: "invert" })
    )
  )

/** Lets somebody choose one of `choices`, and returns its position. One at most is selected at first. */
export const chooseOne = (title: string, choices: ReadonlyArray<Choice>): Promise<number | undefined> =>
  ask((terminal) => Effect.flatMap(question(terminal, title, choices, 0), Prompt.select))

/**
 * Asks for a line of text. `problemOf` says what is wrong with an answer, and it is asked for again until nothing is; Enter
 * alone is the empty text.
 */
export const askText = (title: string, problemOf: (text: string) => string | undefined): Promise<string | undefined> =>
  ask((terminal) =>
    Effect.flatMap(columnsOf(terminal), (columns) =>
      Prompt.text({
        message: cutTo(escaped(title), Math.max(1, columns - BESIDE)),
        validate: (text) => {
          const problem = problemOf(text)
          return problem === undefined
            ? Effect.succeed(text)
            : Effect.fail(cutTo(escaped(problem), Math.max(1, columns - FRAME)))
        }
      })
    )
  )

/** Asks a question that is answered with yes or no. Enter alone is no. */
export const confirm = (title: string): Promise<boolean | undefined> =>
  ask((terminal) =>
    Effect.flatMap(columnsOf(terminal), (columns) =>
      Prompt.confirm({ message: cutTo(escaped(title), Math.max(1, columns - BESIDE)), initial: false })
    )
  )
