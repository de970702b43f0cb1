import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { expect, it, onTestFinished } from "vitest"
import { machine, PROGRAM } from "../support/cli.ts"
import { serve, until } from "../support/doctor.ts"
import { inSandbox, refusing, without } from "../support/sandbox.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "27500-27549", AUTOMATELINUX_SPECIAL_RANGE: "27550-27599" }

/** What a unit forbids with RestrictAddressFamilies=AF_INET AF_UNIX, and what some sandboxes do. */
const PARTS = [
  [["ipv6"], "EAFNOSUPPORT"],
  [["ipv6", "netlink"], "EAFNOSUPPORT"],
  [["ipv6", "netlink"], "EPERM"],
  [["netlink"], "EACCES"]
] as const

it.each(PARTS)("allocates without %s sockets (%s), and sees what others have bound", async (families, code) => {
  const box = machine(RANGES)
  await serve(27_500, { host: "127.0.0.1" })
  await serve(27_503, { host: "::1" })
  const run = await inSandbox(box, without(families, code), "allocate --app a")
  expect(run).toMatchObject({ code: 0, stdout: "a-prod 27504\na-dev 27505\n" })
  expect(run.stderr).toMatch(/^skipped 27500: .*; 27503: .*\n$/)
})

it.each([
  [["ipv4", "ipv6"], "EACCES"],
  [["ipv4", "ipv6", "netlink"], "EPERM"],
  [["ipv4", "ipv6"], "EAFNOSUPPORT"]
] as const)("says what the system says without %s sockets (%s)", async (families, code) => {
  const run = await inSandbox(machine(RANGES), without(families, code), "allocate --app a")
  expect(run).toMatchObject({ code: 3, stdout: "" })
  expect(run.stderr).toMatch(
    new RegExp(
      `^error: cannot tell whether 2750[01] is free on this machine: the system says ${code}\nhint: a sandbox `
    )
  )
})

it.each(["EACCES", "EPERM"] as const)(
  "says what the system says, and what helps, if nothing may be bound (%s)",
  async (code) => {
    const run = await inSandbox(machine(RANGES), refusing("binding", code), "allocate --app a")
    expect(run).toMatchObject({ code: 3, stdout: "" })
    expect(run.stderr).toMatch(
      new RegExp(
        `^error: cannot tell whether 2750[01] is free on this machine: the system says ${code}\nhint: a sandbox forbids it: run d outside of it, or d daemon start outside of it, and let its socket in\n$`
      )
    )
  }
)

it.each(PARTS)("calls a port down that nothing serves any more, without %s sockets (%s)", async (families, code) => {
  const box = machine({ ...RANGES, AUTOMATELINUX_PROBE_INTERVAL: "100 millis" })
  const served = await serve(27_550)
  await box.ok("setPort", "--key", "s", "--value", "27550")
  const [program = "", ...words] = without(families, code)
  const daemon = spawn(program, [...words, process.execPath, PROGRAM, "daemon"], {
    env: box.env,
    cwd: box.home,
    stdio: "ignore"
  })
  onTestFinished(() => void daemon.kill("SIGKILL"))
  const health = async () => JSON.parse(await box.ok("listPorts", "--json"))[0].health
  await until(health, ({ since, state }) => state === "up" && since !== null)
  expect(existsSync(box.env["AUTOMATELINUX_PORTS_SOCKET"] ?? "")).toBe(true)
  await served.stop()
  await until(health, ({ state }) => state === "down")
})
