import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { widthOf } from "../../src/text/width.ts"
import { collect, type Machine, PROGRAM, SHELLS } from "./cli.ts"
import { until } from "./doctor.ts"
import { temporary } from "./root.ts"
import { PROMPT, shellOnTerminal } from "./shellOnTerminal.ts"

export interface Shown {
  readonly code: number | null
  /** What the terminal got, in lines. */
  readonly lines: ReadonlyArray<string>
}

/** Runs a line of shell, with `d` on the path, on a terminal of its own that has so many columns. */
export const onTerminal = async (box: Machine, columns: number, line: string): Promise<Shown> => {
  const file = join(temporary(), "line.sh")
  writeFileSync(file, `stty columns ${columns} rows 50\nd() { ${process.execPath} ${PROGRAM} "$@"; }\n${line}\n`)
  const child = spawn("script", ["--quiet", "--return", "--command", `bash ${file}`, "/dev/null"], {
    env: { ...box.env, TERM: "xterm-256color" },
    cwd: box.home,
    stdio: ["ignore", "pipe", "inherit"]
  })
  const { code, stdout } = await collect(child)
  return { code, lines: stdout.replaceAll("\r\n", "\n").trimEnd().split("\n") }
}

/** Returns those of `lines` that a terminal of so many columns would wrap. */
export const tooWide = (lines: ReadonlyArray<string>, columns: number): ReadonlyArray<string> =>
  lines.filter((line) => widthOf(line) > columns)

/** A shell on a terminal of its own, at which somebody types. */
export interface Session {
  /** Types a line once the shell has prompted for one: what is typed before, it may discard. */
  readonly enter: (line: string) => Promise<void>
  /** Types text as it is: a line ends in `\n`, and `\x03` is Ctrl-C. */
  readonly type: (text: string) => void
  /** Waits for a match in what the terminal shows after the one before, and returns it. */
  readonly sees: (pattern: RegExp) => Promise<RegExpMatchArray>
  /** Types a command and waits for its exit code. Its output is shown before. */
  readonly codeOf: (line: string) => Promise<number>
  /** Closes the terminal's window, without a word to anybody. */
  readonly close: () => Promise<void>
}

/** Opens a terminal in `directory` with an interactive shell, which finds `d` as a program: it is the job of the shell itself. */
export const openTerminal = async (box: Machine, directory: string, shell: keyof typeof SHELLS): Promise<Session> => {
  const { child, close } = shellOnTerminal(box, directory, `stty -echo; exec ${SHELLS[shell].join(" ")}`)
  let shown = ""
  child.stdout.on("data", (chunk) => (shown += chunk))
  const type = (text: string) => void child.stdin.write(text)
  const sees = async (pattern: RegExp) => {
    const text = () => stripVTControlCharacters(shown.replaceAll("\r", ""))
    const found = await until(
      async () => text().match(pattern) ?? text(),
      (match) => typeof match !== "string"
    )
    if (typeof found === "string") throw new Error(found)
    shown = text().slice((found.index ?? 0) + found[0].length)
    return found
  }
  const enter = async (line: string) => {
    await sees(new RegExp(PROMPT))
    type(`${line}\n`)
  }
  return {
    enter,
    type,
    sees,
    codeOf: async (line) => {
      await enter(`${line}${line === "" ? "" : "; "}echo "code=$?"`)
      return Number((await sees(/code=(\d+)\n/))[1])
    },
    close
  }
}
