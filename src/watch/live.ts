import type { ReadStream, WriteStream } from "node:tty"
import type { Answer } from "../commands/Answer.ts"
import type { Environment } from "../domain/Environment.ts"
import { portUrl } from "../domain/portUrl.ts"
import { openUrl } from "../run/openUrl.ts"
import type { Style } from "../text/terminalStyle.ts"
import { end, inspect } from "./ending.ts"
import { makeInput } from "./input.ts"
import { ended, inspected, pressed } from "./keys.ts"
import { failed, type Looked, listed, passed, resized, said, started, type Watched } from "./model.ts"
import type { Action, By, Size, State } from "./State.ts"
import { makeScreen } from "./screen.ts"
import { makeView } from "./view.ts"

/** The answer to one look, and whose it is. */
export interface Look {
  readonly by: By
  readonly answer: Answer<"listPorts">
}

/** What is needed of the client. */
export interface Means {
  readonly environment: Environment
  readonly style: Pick<Style, "colour" | "host">
  /** Asks for the list. */
  readonly look: () => Promise<Look>
  readonly explain: (port: number) => Promise<Answer<"explain">>
  /** How long to wait between two looks, in milliseconds. */
  readonly interval: number
}

export interface Terminal {
  readonly input: ReadStream
  readonly output: WriteStream
}

/** How often the age of the list and of the marks is looked at, in milliseconds. */
const CLOCK_MS = 1000

/** How long a process may be on its way into suspension: one that no shell can continue is never suspended. */
const SUSPENSION_MS = 500

/** The signals that end it, but for those that cannot be caught. */
const SIGNALS = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const

/** What a terminal is if it does not say. */
const SIZE: Size = { columns: 80, rows: 24 }

const sizeOf = ({ columns, rows }: WriteStream): Size => ({
  columns: columns || SIZE.columns,
  rows: rows || SIZE.rows
})

/** Shows the list live until the user quits. Returns the signal if one ends it. Restores the terminal in any case. */
export const live = async (
  first: Looked,
  watched: Watched,
  means: Means,
  { input, output }: Terminal
): Promise<NodeJS.Signals | undefined> => {
  const screen = makeScreen((text) => void output.write(text))
  const view = makeView(means.style)
  let state = started(first, sizeOf(output), watched)
  let paneLines = 0
  let frame: NodeJS.Immediate | undefined
  let timer: NodeJS.Timeout | undefined
  let isSuspended = false
  let finish: (signal?: NodeJS.Signals) => void = () => {}
  let crash: (error: unknown) => void = () => {}
  const over = new Promise<NodeJS.Signals | undefined>((done, fail) => {
    finish = done
    crash = fail
  })

  const draw = () => {
    const drawn = view(state)
    paneLines = drawn.paneLines
    screen.draw(drawn.lines, state.size)
  }
  /** Draws once for all that happens at this moment. */
  const show = (next: State) => {
    state = next
    frame ??= setImmediate(() => {
      frame = undefined
      draw()
    })
  }

  const lookAgain = async () => {
    const { answer, by } = await means.look()
    const at = Date.now()
    show(
      answer.ok ? listed(state, { at, by, list: answer.result, notes: answer.notes }) : failed(state, answer.error, at)
    )
    timer = setTimeout(() => void lookAgain().catch(crash), means.interval)
  }

  const enter = () => {
    input.setRawMode(true)
    input.resume()
    screen.enter()
    state = resized(state, sizeOf(output))
    draw()
  }
  const leave = () => {
    screen.leave()
    input.setRawMode(false)
    input.pause()
  }
  const goOn = () => {
    isSuspended = false
    leave()
    enter()
  }
  const suspend = () => {
    isSuspended = true
    leave()
    // All processes of the job, as Ctrl-Z does: a shell script may have started d.
    process.kill(0, "SIGTSTP")
    setTimeout(() => {
      if (isSuspended) goOn()
    }, SUSPENSION_MS)
  }

  const act = async (action: Action): Promise<void> => {
    switch (action._tag) {
      case "Quit":
        return finish()
      case "Interrupt":
        return finish("SIGINT")
      case "Suspend":
        return suspend()
      case "Redraw":
        screen.clear()
        return show(state)
      case "Open": {
        const url = portUrl(action.port)
        show(said(state, `opening ${url}`, Date.now()))
        const failure = await openUrl(url, means.environment)
        return failure && show(said(state, failure.message, Date.now()))
      }
      case "Explain": {
        const { port } = action
        const answer = await means.explain(port)
        const { pane } = state
        if (pane?._tag !== "Explain" || pane.port !== port) return
        return show({ ...state, pane: { ...pane, told: answer.ok ? answer.result : answer.error } })
      }
      case "Inspect": {
        const found = await inspect(action.assignment.port)
        return show(inspected(state, action.assignment, found, Date.now()))
      }
      case "End": {
        const outcome = await end(action.targets, action.signal)
        return show(ended(state, outcome, Date.now()))
      }
    }
  }

  const keys = makeInput((key) => {
    const { action, state: next } = pressed({ ...state, now: Date.now() }, key, paneLines)
    show({ ...next, now: state.now })
    if (action !== undefined) act(action).catch(crash)
  })
  const onInput = (chunk: Buffer) => keys.take(chunk)
  const onResize = () => {
    screen.clear()
    show(resized(state, sizeOf(output)))
  }
  const onSignal = (signal: NodeJS.Signals) => finish(signal)
  // The terminal is gone.
  const onHangUp = () => finish("SIGHUP")
  const clock = setInterval(() => show(passed(state, Date.now())), CLOCK_MS)
  const onExit = () => leave()

  input.on("data", onInput).on("end", onHangUp).on("error", onHangUp)
  output.on("resize", onResize).on("error", onHangUp)
  process.on("SIGCONT", goOn).on("uncaughtException", crash).on("exit", onExit)
  for (const signal of SIGNALS) process.on(signal, onSignal)
  try {
    enter()
    timer = setTimeout(() => void lookAgain().catch(crash), means.interval)
    return await over
  } finally {
    clearInterval(clock)
    clearTimeout(timer)
    clearImmediate(frame)
    keys.end()
    for (const signal of SIGNALS) process.off(signal, onSignal)
    process.off("SIGCONT", goOn).off("uncaughtException", crash).off("exit", onExit)
    input.off("data", onInput)
    output.off("resize", onResize)
    leave()
  }
}
