import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { startDaemon } from "../support/cli.ts"
import { rangesFrom, until } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { MariaDb } from "../support/mariadb.ts"

/** The port that this host knew last, for who asks for it while the registry is away. */

const RANGES = rangesFrom(22_600)

/** A server of its own, which can be stopped. */
const onServer = async () => {
  const server = await MariaDb.start()
  const box = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: await server.database() })
  return { server, box }
}

/** The copies of registries that a host keeps, one each. */
const copiesIn = (home: string): ReadonlyArray<string> => {
  const directory = join(home, ".local/state/automatelinux")
  try {
    return readdirSync(directory).flatMap((name) => (name.startsWith("last-known-ports.") ? join(directory, name) : []))
  } catch {
    // Nothing was kept yet.
    return []
  }
}

it("prints what it knew last if the registry is away, and says how old that is", async () => {
  const { box, server } = await onServer()
  await box.ok("allocate", "--app", "cad", "--app", "pt")
  expect(await box.d("getPort", "--key", "cad-dev", "--cached")).toEqual({ code: 0, stdout: "22601\n", stderr: "" })
  await server.kill()
  const known = await box.d("get", "cad-dev", "--cached")
  expect(known).toMatchObject({ code: 0, stdout: "22601\n" })
  expect(known.stderr).toMatch(/^note: .*; cad-dev had 22601 \d+ seconds? ago\n$/)
  const json = await box.d("getPort", "--app", "cad", "--mode", "dev", "--cached", "--json")
  expect(JSON.parse(json.stdout)).toEqual({ key: "cad-dev", port: 22_601, knownAt: expect.stringMatching(/^20.*Z$/) })
  // Nobody has asked for this one, and nobody who does not ask for it is told what is old.
  for (const words of [
    ["getPort", "--key", "pt-dev", "--cached"],
    ["getPort", "--key", "cad-dev"]
  ]) {
    const failed = await box.d(...words)
    expect(failed).toMatchObject({ code: 3, stdout: "" })
    expect(failed.stderr).toMatch(/^error: /)
  }
  // Nor what another registry, or garbage, says.
  const [file = ""] = copiesIn(box.home)
  const text = readFileSync(file, "utf8")
  for (const other of [
    text.replaceAll(box.env["AUTOMATELINUX_DATABASE_URL"]?.split("/").at(-1) ?? "", "other"),
    "{",
    ""
  ]) {
    writeFileSync(file, other.replace('"registry":"', '"registry":"x'))
    expect(await box.d("getPort", "--key", "cad-dev", "--cached")).toMatchObject({ code: 3, stdout: "" })
  }
})

it("forgets what was released, and decides nothing by what it knew", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  await box.ok("getPort", "--key", "cad-dev", "--cached")
  await box.ok("release", "--app", "cad")
  expect(await box.d("getPort", "--key", "cad-dev", "--cached")).toMatchObject({ code: 1, stdout: "" })
  expect(await box.ok("allocate", "--app", "other")).toBe("other-prod 22600\nother-dev 22601\n")
  expect(await box.d("getPort", "--key", "x", "--cached", "--allocate")).toEqual({
    code: 2,
    stdout: "",
    stderr:
      "error: --cached does not go with --allocate\nhint: nothing is claimed by what was known: leave one of them out\n"
  })
})

it("knows from the daemon what nobody has asked for, as other programs leave it", async () => {
  const { box, server } = await onServer()
  await box.ok("allocate", "--app", "cad")
  const daemon = await startDaemon(box)
  await until(
    async () => copiesIn(box.home),
    (copies) => copies.length === 1
  )
  await server.kill()
  const known = await box.d("getPort", "--key", "cad-prod", "--cached")
  expect(known).toMatchObject({ code: 0, stdout: "22600\n" })
  expect(known.stderr).toMatch(/; cad-prod had 22600 \d+ seconds? ago\n$/)
  daemon.signal("SIGSTOP")
  expect(await box.d("getPort", "--key", "cad-prod", "--cached")).toMatchObject({ code: 0, stdout: "22600\n" })
  daemon.signal("SIGCONT")
})

it("keeps a copy of each registry of a host, and mends nothing of one by the other", async () => {
  const { box, server } = await onServer()
  const beside = box.with({ AUTOMATELINUX_DATABASE_URL: "" })
  for (const each of [box, beside]) {
    await each.ok("allocate", "--app", each === box ? "cad" : "pt")
    await each.ok("getPort", "--key", each === box ? "cad-dev" : "pt-dev", "--cached")
  }
  expect(copiesIn(box.home)).toHaveLength(2)
  await server.kill()
  expect(await box.d("getPort", "--key", "cad-dev", "--cached")).toMatchObject({ code: 0, stdout: "22601\n" })
  expect(await box.d("getPort", "--key", "pt-dev", "--cached")).toMatchObject({ code: 3, stdout: "" })
})
