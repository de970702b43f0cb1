import { execFileSync } from "node:child_process"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { SHELLS, type Shell } from "../../src/commands/shell.ts"
import { CHECK_NAMES } from "../../src/domain/Finding.ts"
import { type Machine, machine, startDaemon } from "../support/cli.ts"
import { openCompleting } from "../support/completing.ts"
import { serves } from "../support/http.ts"

/** Writes 1,000 keys as other programs do. */
const manyKeys = (box: Machine): void => {
  const rows = Array.from({ length: 1000 }, (_, at) => `('port_app${at}-dev', '${10_000 + at}')`)
  const file = join(box.home, ".local/state/automatelinux/ports.sqlite")
  execFileSync("sqlite3", [file, `INSERT INTO settings VALUES ${rows.join(", ")}`])
}

/** Real shells at a terminal, where somebody presses Tab. */

const RANGES = { AUTOMATELINUX_APP_RANGE: "26810-26909", AUTOMATELINUX_SPECIAL_RANGE: "26910-26989" }
const HTTP = 26_911

const LOADED: Readonly<Record<Shell, string>> = {
  bash: "source <(command d completions bash)",
  zsh: "source <(command d completions zsh)",
  fish: "command d completions fish | source"
}
/** With what asks without a process. */
const QUICK: Readonly<Record<Shell, string>> = {
  bash: `${LOADED.bash}\neval "$(command d shell bash)"`,
  zsh: `alias d='dirs -v'\nalias -g G='| grep'\n${LOADED.zsh}\neval "$(command d shell zsh)"`,
  fish: `${LOADED.fish}\nfunction d; dirs $argv; end\ncommand d shell fish | source`
}

const serving = async (): Promise<Machine> => {
  const box = machine({ ...RANGES, AUTOMATELINUX_HTTP: "on", AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
  await box.ok("allocate", "--app", "cad", "--app", "crm", "--description", "CAD app")
  await box.ok("allocate", "--special", "redis", "--description", 'it\'s "a" $(cache) `x`')
  await box.ok("reserve", "--port", "26860-26861", "--reason", "A test")
  // A list of one is not shown by bash.
  for (const name of ["letter.txt", "lesson.txt"]) writeFileSync(join(box.home, name), "")
  await startDaemon(box)
  await serves(box, HTTP)
  return box
}

describe.each(SHELLS)("%s", (shell) => {
  const isPlain = shell === "bash"

  it.each([
    ["with the program", LOADED[shell]],
    ["with the functions", QUICK[shell]]
  ])("completes what is in the registry, %s", { timeout: 90_000 }, async (_, setup) => {
    const box = await serving()
    const { listed, tabbed } = await openCompleting(box, shell, setup)
    const keys = await listed("d getPort --key ")
    expect(keys).toContain("cad-dev")
    expect(keys).toContain("redis")
    expect(keys).not.toContain("letter.txt")
    if (!isPlain) {
      expect(keys).toMatch(/cad-dev.*26811 +CAD app/)
      expect(keys).toContain('it\'s "a" $(cache) `x`')
    }
    expect(await listed("d getPort --app ")).toContain("cad")
    const ports = await listed("d explain ")
    for (const each of ["26810", "cad-prod", "redis"]) expect(ports).toContain(each)
    expect(await listed("d unreserve ")).toContain("26860")
    // What is changed is offered at once.
    await box.ok("allocate", "--special", "rabbit")
    expect(await listed("d getPort --key r")).toContain("rabbit")
    // One that fits alone is typed.
    expect(await tabbed("d getPort --key rab")).toContain("26912")
    expect(await tabbed("d get cad-d")).toContain("26811")
    expect(await tabbed("d getPort --key=cad-p")).toContain("26810")
  })

  it("offers files only where a file belongs, and what has no other values", { timeout: 90_000 }, async () => {
    const box = await serving()
    const { listed } = await openCompleting(box, shell, QUICK[shell])
    expect(await listed("d import le")).toContain("letter.txt")
    for (const line of [
      "d describe cad ",
      "d allocate --app ",
      "d allocate --description ",
      "d reserve --reason ",
      "d history --limit ",
      "d nonsense ",
      "d setPort --key cad-dev --value "
    ])
      expect(await listed(line), line).not.toContain("letter.txt")
    const checks = await listed("d doctor --check ")
    for (const name of CHECK_NAMES) expect(checks).toContain(name)
    expect(await listed("d getPort --mode ")).toMatch(/dev.*prod|prod.*dev/s)
    expect(await listed("d import --on-conflict ")).toContain("force")
    const options = await listed("d getPort --")
    for (const name of ["--key", "--cached", "--json", "--help"]) expect(options).toContain(name)
    const names = await listed("d ")
    for (const name of ["allocate", "getPort", "completions", "shell"]) expect(names).toContain(name)
    expect(await listed("d agents install --for ")).toContain("claude")
    expect(await listed("d completions ")).toContain("uninstall")
    // The words of another command are completed as that command's.
    expect(await listed("d run cat le")).toContain("letter.txt")
  })

  it("says nothing without a daemon, or to one that is stopped", { timeout: 60_000 }, async () => {
    const box = machine(RANGES)
    await box.ok("allocate", "--app", "cad")
    const { listed } = await openCompleting(box, shell, QUICK[shell])
    const nothing = await listed("d getPort --key c")
    expect(nothing).not.toMatch(/cad|error|note|[Nn]o such/)
    expect(await listed("d getPort --")).toContain("--key")
    const daemon = await startDaemon(box)
    daemon.signal("SIGSTOP")
    const before = performance.now()
    expect(await listed("d getPort --key c")).not.toMatch(/cad|error|note/)
    expect(performance.now() - before).toBeLessThan(5000)
    daemon.signal("SIGCONT")
  })

  it("completes 1,000 keys", { timeout: 60_000 }, async () => {
    const box = machine({ ...RANGES, AUTOMATELINUX_HTTP: "on", AUTOMATELINUX_PROBE_INTERVAL: "1 hour" })
    await box.ok("allocate", "--special", "ports-dashboard")
    manyKeys(box)
    await startDaemon(box)
    await serves(box, 26_910)
    const { listed, tabbed } = await openCompleting(box, shell, QUICK[shell])
    if (shell !== "fish") {
      // fish shows them by the page.
      const all = new Set((await listed("d getPort --key app")).match(/\bapp\d+-dev\b/g))
      expect(all.size).toBe(1000)
    }
    expect(await tabbed("d getPort --key app499-d")).toContain("10499")
  })
})

it("leaves nothing behind at a Tab", async () => {
  const box = await serving()
  const before = readdirSync(box.home, { recursive: true })
  const { listed } = await openCompleting(box, "bash", QUICK.bash)
  await listed("d getPort --key ")
  expect(readdirSync(box.home, { recursive: true })).toEqual(before)
})
