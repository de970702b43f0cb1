import { spawn } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestProject } from "vitest/node"

const isFree = (port: number): Promise<boolean> =>
  new Promise((answer) => {
    const server = createServer()
    server.once("error", () => answer(false))
    server.listen(port, () => server.close(() => answer(true)))
  })

/** The first ports of 3000-3499 and 3500-3999, moved by `shift`. */
const isQuiet = async (shift: number): Promise<boolean> => {
  for (const first of [3000, 3500])
    for (let port = first; port < first + 50; port++) if (!(await isFree(port + shift))) return false
  return true
}

/**
 * The thousands of ports that the processes which run test files may have, beginning with the default ranges. Whoever
 * runs the tests may have an app on 3000. The ports from 17000 belong to single test files.
 */
const quietThousands = async (): Promise<ReadonlyArray<number>> => {
  const quiet = []
  for (const thousand of [3, 10, 11, 12, 13, 14, 15, 16]) if (await isQuiet((thousand - 3) * 1000)) quiet.push(thousand)
  return quiet
}

/** Ends what still runs in the directory that is its argument, and removes it. */
const REMOVE = `
  trap "" INT TERM HUP
  cat
  for process in /proc/[0-9]*; do
    case $(readlink $process/cwd) in "$0"/*) kill -9 "\${process#/proc/}" ;; esac
  done
  until rm -rf "$0" && sleep 0.5 && [ ! -e "$0" ]; do :; done
`

/**
 * Makes the one directory that everything a test makes lies in. A process of its own removes it when this one has ended,
 * however it ended: it waits for the end of a pipe. What only some tests need, they make themselves.
 */
export default async ({ config }: TestProject) => {
  process.env["PATH"] = `${process.env["PATH"]}:/usr/sbin:/sbin`
  const thousands = await quietThousands()
  const processes = config.poolOptions?.forks?.maxForks ?? 1
  if (thousands.length < processes)
    throw new Error(
      `${processes} processes need a thousand ports each, and nothing listens only in the thousands ${thousands.join(", ")}`
    )
  process.env["PORTS_TEST_THOUSANDS"] = thousands.join()

  const root = mkdtempSync(join(tmpdir(), "ports-test-"))
  chmodSync(root, 0o755)
  const remover = spawn("bash", ["-c", REMOVE, root], { stdio: ["pipe", "ignore", "ignore"], detached: true })
  remover.unref()
  process.env["PORTS_TEST_ROOT"] = root
  mkdirSync(join(root, "cache"), { mode: 0o700 })
  return () => {
    remover.stdin.end()
  }
}
