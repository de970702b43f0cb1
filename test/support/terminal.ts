import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { widthOf } from "../../src/text/width.ts"
import { collect, type Machine, PROGRAM } from "./cli.ts"
import { ensure } from "./programs.ts"
import { once, temporary } from "./root.ts"

once("installation of a terminal", () => ensure(["script"], ["bsdutils"]))

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
