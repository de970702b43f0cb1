import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, readlinkSync } from "node:fs"
import { Terminal } from "@xterm/headless"
import { type Machine, PROGRAM } from "./cli.ts"
import { until } from "./doctor.ts"
import { PROMPT, shellOnTerminal } from "./shellOnTerminal.ts"

/** A terminal with a shell, whose screen can be read. */
export interface Screen {
  /** Types text as it is: `\r` is Enter, `\x1b` Escape. */
  readonly type: (text: string) => void
  /** What is on the screen, in lines. */
  readonly lines: () => ReadonlyArray<string>
  /** Waits until the screen matches, and returns its lines. */
  readonly shows: (pattern: RegExp) => Promise<ReadonlyArray<string>>
  /** Waits until it no longer does. */
  readonly hides: (pattern: RegExp) => Promise<ReadonlyArray<string>>
  /** Whether the alternate screen is shown. */
  readonly isAlternate: () => boolean
  /** Whether the cursor is hidden. */
  readonly isCursorHidden: () => boolean
  /** The pid of the `d` that runs. */
  readonly pid: () => number
  readonly resize: (columns: number, rows: number) => void
  /** Everything that was written since the last call. */
  readonly written: () => string
  /** Closes the window. */
  readonly close: () => Promise<void>
}

export const KEYS = { up: "\u001b[A", down: "\u001b[B", pageUp: "\u001b[5~", pageDown: "\u001b[6~", escape: "\u001b" }

/** Whether a process is the `d watch` of `box`. */
const isWatch = (pid: string, box: Machine, program: string): boolean => {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
    return (
      words[1] === program &&
      words[2] === "watch" &&
      readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`HOME=${box.home}`)
    )
  } catch {
    // It has ended.
    return false
  }
}

/** Opens a terminal of a size with a shell that finds `d`, which is `program`. */
export const openScreen = async (box: Machine, columns: number, rows: number, program = PROGRAM): Promise<Screen> => {
  const line = `stty -echo columns ${columns} rows ${rows}; exec bash --norc -i`
  const { child, close } = shellOnTerminal(box, box.home, line, program)
  const terminal = new Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 0 })
  let written = ""
  let isCursorHidden = false
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    written += chunk
    for (const [, hides] of chunk.matchAll(/\[\?25([hl])/g)) isCursorHidden = hides === "l"
    terminal.write(chunk)
  })
  const lines = () => {
    const { active } = terminal.buffer
    return Array.from(
      { length: terminal.rows },
      (_, at) => active.getLine(active.viewportY + at)?.translateToString(true) ?? ""
    )
  }
  const shows = (pattern: RegExp) =>
    until(
      async () => lines(),
      (each) => pattern.test(each.join("\n"))
    )
  const pid = (): number => {
    const found = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .find((each) => isWatch(each, box, program))
    if (found === undefined) throw new Error("no d watch runs")
    return Number(found)
  }
  const screen: Screen = {
    type: (text) => void child.stdin.write(text),
    lines,
    shows,
    hides: (pattern) =>
      until(
        async () => lines(),
        (each) => !pattern.test(each.join("\n"))
      ),
    isAlternate: () => terminal.buffer.active.type === "alternate",
    isCursorHidden: () => isCursorHidden,
    pid,
    resize: (newColumns, newRows) => {
      terminal.resize(newColumns, newRows)
      const device = readlinkSync(`/proc/${pid()}/fd/0`)
      execFileSync("stty", ["-F", device, "columns", String(newColumns), "rows", String(newRows)])
    },
    written: () => {
      const all = written
      written = ""
      return all
    },
    close
  }
  await shows(new RegExp(PROMPT))
  return screen
}
