import { expect, it } from "vitest"
import { startDaemon } from "../support/cli.ts"
import { mariadb } from "../support/databases.ts"
import { rangesFrom, seenUp, serve, watched } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { temporary } from "../support/root.ts"

/** What a change takes from others: a running server, another host, another directory. */

const RANGES = rangesFrom(28_900)

it("releases nothing that is up, unless it is told to", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad", "--app", "pt")
  const { directory, pid, stop } = await serve(28_901)
  const refused = await box.d("release", "--app", "pt", "--app", "cad")
  expect(refused).toMatchObject({ code: 1, stdout: "" })
  expect(refused.stderr).toBe(
    `error: cad-dev is up: 28901 is served by node, pid ${pid}, in ${directory}; nothing was released\nhint: stop it first, or repeat with --force\n`
  )
  expect(JSON.parse((await box.d("release", "cad", "--json")).stderr).error.code).toBe("conflict")
  expect(await box.ok("getPort", "--key", "pt-dev")).toBe("28903\n")
  expect(await box.ok("release", "cad", "--force")).toBe("cad-prod 28900\ncad-dev 28901\n")
  // The deployed command does as it is told.
  await box.ok("allocate", "--app", "cad")
  await box.ok("setPort", "--key", "cad-dev", "--value", "28901")
  expect(await box.ok("deletePort", "--key", "cad-dev")).toBe("Port entry deleted for cad-dev\n")
  await stop()
  expect(await box.ok("release", "pt")).toBe("pt-prod 28902\npt-dev 28903\n")
})

it("asks the other hosts of a shared registry, and tells what is taken from them", async () => {
  const here = watched(RANGES, { ...(await mariadb.fresh()), AUTOMATELINUX_HOST: "here" })
  const there = here.with({ AUTOMATELINUX_HOST: "there", AUTOMATELINUX_DAEMON: "never" })
  await here.ok("allocate", "--app", "svc-alice")
  const daemon = await startDaemon(here)
  const { stop } = await serve(28_900)
  await seenUp(here, "svc-alice-prod")
  await stop()
  await daemon.stop("SIGKILL")
  // It is up on `here` as far as `there` knows.
  const refused = await there.d("release", "--app", "svc-alice")
  expect(refused).toMatchObject({ code: 1, stdout: "" })
  expect(refused.stderr).toBe(
    "error: svc-alice-prod is up on here; nothing was released\nhint: stop it first, or repeat with --force\n"
  )
  const forced = await there.d("release", "--app", "svc-alice", "--force")
  expect(forced.stdout).toBe("svc-alice-prod 28900\nsvc-alice-dev 28901\n")
  expect(forced.stderr).toMatch(
    /^warning: svc-alice-prod and svc-alice-dev were claimed on here by \S+, and are released there, too\n$/
  )
  await here.ok("allocate", "--special", "one")
  expect((await there.d("release", "--special", "one")).stderr).toMatch(
    /^warning: one was claimed on here by \S+, and is released there, too\n$/
  )
  await here.ok("allocate", "--special", "two")
  expect((await here.d("release", "--special", "two")).stderr).toBe("")
})

it("says so if an app moves to another directory", async () => {
  const box = inProcess(RANGES)
  const [one, two] = [temporary(), temporary()]
  expect((await box.d("allocate", "--app", "cad", "--dir", one)).stderr).toBe("")
  expect((await box.d("allocate", "--app", "cad", "--dir", one)).stderr).toBe("")
  expect((await box.d("allocate", "--app", "cad", "--dir", `${one}/web`)).stderr).not.toContain("lived")
  const moved = await box.d("allocate", "--app", "cad", "--dir", two)
  expect(moved.stdout).toBe("cad-prod 28900\ncad-dev 28901\n")
  const name = `cad-${two.split("/").at(-1)}`
  expect(moved.stderr).toContain(
    `note: cad lived in ${one}/web so far, and from now on in ${two}; if both are in use, give one another name: d allocate --app ${name} --dir ${two}\n`
  )
  expect(await box.ok("allocate", "--app", name, "--dir", two)).toBe(`${name}-prod 28902\n${name}-dev 28903\n`)
  await box.ok("setPort", "--key", "pipe", "--value", "29000", "--dir", one)
  expect((await box.d("setPort", "--key", "pipe", "--dir", two)).stderr).toContain(
    `note: pipe lived in ${one} so far, and from now on in ${two}; if both are in use, give one another name: d allocate --special pipe-`
  )
})
