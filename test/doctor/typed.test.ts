import { spawn } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import type { Finding } from "../../src/domain/Finding.ts"
import { SHELLS } from "../support/cli.ts"
import { ACTING } from "../support/controlCharacters.ts"
import { afterMending, examine, findingOf, findingsOf, fixOf, started } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { sharedServer } from "../support/mariadb.ts"
import { temporary } from "../support/root.ts"
import { withSqlite } from "../support/sqlite.ts"

/** What `d` prints is typed as it stands, into any shell. */

const RANGES = { AUTOMATELINUX_APP_RANGE: "25900-25949", AUTOMATELINUX_SPECIAL_RANGE: "25950-25999", LC_ALL: "C.UTF-8" }

const HOSTILE = "w '\"$(touch obeyed)`touch obeyed`;!x #\u001b[2J\nforged \u202e🙂"

const shells = Object.keys(SHELLS) as ReadonlyArray<keyof typeof SHELLS>

const hostileDirectory = (): string => {
  const directory = join(temporary(), HOSTILE)
  mkdirSync(directory)
  return directory
}

const serveAs = (argv0: string, directory: string, port: number) => {
  const script = `require("node:net").createServer().listen(${port}, "127.0.0.1", () => console.log("up"))`
  const words = ["-c", 'exec -a "$1" "$2" -e "$3"', "bash", argv0, process.execPath, script]
  return started(spawn("bash", words, { cwd: directory, stdio: ["ignore", "pipe", "inherit"] }), directory)
}

/** A command without what a shell takes as it is. */
const unquoted = (fix: string): string => fix.replaceAll(/'[^']*'|\\'|"\$\(printf '[^']*'\)"/g, "")

const isTypedAsItStands = ({ fix }: Finding) => {
  if (fix === null) return
  expect(fix).not.toMatch(ACTING)
  expect(unquoted(fix)).not.toMatch(/[#!\n]/)
}

it.each(shells)("goes to the app's directory, whatever its name: %s", async (shell) => {
  const box = inProcess(RANGES)
  const directory = hostileDirectory()
  await box.ok("allocate", "--special", "s")
  withSqlite(join(box.home, ".local/state/automatelinux/ports.sqlite"), (file) => {
    file
      .prepare("INSERT INTO port_owners SELECT host, key, 'directory', ?, created_at, created_at FROM port_keys")
      .run(directory)
  })
  const finding = await findingOf(box, "port-unreachable")
  const [, line = ""] = /^start it: (.*) && d run --key s COMMAND; or release it/s.exec(finding.advice ?? "") ?? []
  const { stderr, stdout } = await box.typed(shell, `${line} && /bin/pwd`)
  expect(stdout, stderr).toBe(`${directory}\n`)
  expect([box.home, directory].some((each) => existsSync(join(each, "obeyed")))).toBe(false)
})

it.each(shells)("reserves a port for what listens, whatever its name: %s", async (shell) => {
  const box = inProcess(RANGES)
  const directory = hostileDirectory()
  await serveAs(`-${HOSTILE}`, directory, 25_960)
  const found = async () => (await findingsOf(box, "port-squatted")).filter(({ ports }) => ports.includes(25_960))
  const [finding] = await found()
  if (finding === undefined) throw new Error("nothing was found")
  isTypedAsItStands(finding)
  const { stderr, stdout } = await box.typed(shell, fixOf(finding))
  expect(stdout, stderr).toMatch(/^25960 reserved: -w '"\$\(touch obeyed\)/)
  expect(await found()).toEqual([])
  expect([box.home, directory].some((each) => existsSync(join(each, "obeyed")))).toBe(false)
})

it("has no comment and nothing unquoted in any command", async () => {
  const box = inProcess(RANGES)
  const directory = hostileDirectory()
  await box.ok("setPort", "--key", "a-dev", "--value", "25900")
  await box.ok("setPort", "--key", "b-dev", "--value", "25900", "--force")
  await box.ok("setPort", "--key", "c", "--value", "9001")
  await box.ok("setPort", "--key", "d", "--value", "6000")
  await box.ok("setPort", "--key", "e", "--value", "25970", "--dir", "/opt/e")
  await box.ok("setPort", "--key", "f", "--value", "25971", "--dir", directory.slice(0, -HOSTILE.length - 1))
  withSqlite(join(box.home, ".local/state/automatelinux/ports.sqlite"), (file) => {
    const write = file.prepare("INSERT INTO settings VALUES (?, ?)")
    write.run(`port_${HOSTILE}`, "25972")
    write.run("port_g", HOSTILE)
  })
  await serveAs(HOSTILE, directory, 25_970)
  await serveAs(HOSTILE, directory, 25_973)
  const { findings } = await examine(box)
  const checks = new Set(findings.map(({ check }) => check))
  for (const check of [
    "port-shared",
    "port-taken",
    "value-invalid",
    "range-reserved",
    "port-squatted",
    "port-unreachable"
  ])
    expect(checks).toContain(check)
  for (const finding of findings) isTypedAsItStands(finding)
  const { stdout } = await box.d("doctor")
  for (const line of stdout.split("\n").filter((each) => each.startsWith("    fix: "))) {
    for (const shell of shells) {
      const parsed = await box.sh(
        `printf %s ${JSON.stringify(Buffer.from(line.slice("    fix: ".length)).toString("base64"))} | base64 -d | ${shell} -n`
      )
      expect(parsed, line).toMatchObject({ code: 0, stderr: "" })
    }
  }
})

it.each(shells)("opens the file of settings with an editor that has options: %s", async (shell) => {
  const config = join(temporary(), "x $(touch obeyed) '")
  mkdirSync(join(config, "automatelinux"), { recursive: true })
  const file = join(config, "automatelinux/ports.json")
  writeFileSync(file, '{ "specialRange": "25950-25950" }')
  const box = inProcess({ LC_ALL: "C.UTF-8", XDG_CONFIG_HOME: config, EDITOR: "printf <%s>" })
  await box.ok("allocate", "--special", "s")
  const finding = await findingOf(box, "range-full")
  expect(finding.advice).toMatch(/^set specialRange to "25950-25951", and restart the daemon if there is one$/)
  const { stderr, stdout } = await box.typed(shell, fixOf(finding))
  expect(stdout, stderr).toBe(`<${file}>`)
})

const rooted = async (name: string) => {
  const server = await sharedServer()
  const url = `mysql://root@localhost/${encodeURIComponent(name)}?socket=${server.socket}`
  return { server, box: inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url }), url }
}

it.each(["my-ports", "a`b'c\"d $(touch obeyed) é"])("makes the database %s", async (name) => {
  const { box } = await rooted(name)
  const finding = await findingOf(box, "store-reachable")
  isTypedAsItStands(finding)
  expect(finding.fix).toContain("CREATE DATABASE `")
  expect(await afterMending(box, finding)).toEqual([])
  expect(await box.ok("allocate", "--special", "s")).toBe("s 25950\n")
})

it.each(["my-ports2", "a_b%c`d"])("grants what is missing on the database %s, and on no other", async (name) => {
  const { box, server, url } = await rooted(name)
  await box.typed("dash", fixOf(await findingOf(box, "store-reachable")))
  await box.ok("allocate", "--special", "s")
  const user = "o'neil\\"
  await server.query("CREATE OR REPLACE USER ?@'%' IDENTIFIED BY 'secret'", [user])
  await server.query(`GRANT SELECT ON \`${name.replaceAll("`", "``").replaceAll(/[_%]/g, "\\$&")}\`.* TO ?@'%'`, [user])
  const theirs = box.with({
    AUTOMATELINUX_DATABASE_URL: url.replace("root@", `${encodeURIComponent(user)}:secret@`)
  })
  const finding = await findingOf(theirs, "store-reachable")
  isTypedAsItStands(finding)
  expect(await afterMending(theirs, finding)).toEqual([])
  expect(await theirs.ok("allocate", "--special", "t")).toBe("t 25951\n")
  const grants = JSON.stringify(await server.query("SHOW GRANTS FOR ?@'%'", [user]))
  expect(grants.match(/ ON `/g)).toHaveLength(1)
})

it("names a file in hints as a shell takes it", async () => {
  const directory = join(temporary(), "x $(touch obeyed) '")
  mkdirSync(directory)
  const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: `sqlite:${directory}/ports.sqlite` })
  await box.ok("allocate", "--special", "s")
  withSqlite(join(directory, "ports.sqlite"), (file) => {
    file.exec("CREATE TRIGGER t BEFORE INSERT ON port_claims BEGIN SELECT RAISE(ABORT, 'no'); END")
  })
  const { stderr } = await box.d("allocate", "--special", "t")
  const hint = /hint: check: (.*)/.exec(stderr)?.[1] ?? ""
  for (const shell of shells) expect((await box.typed(shell, hint)).stdout).toContain("ports.sqlite")
  expect(existsSync(join(box.home, "obeyed"))).toBe(false)
})
