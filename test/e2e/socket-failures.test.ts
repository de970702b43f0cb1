import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { machine } from "../support/cli.ts"
import { isRoot } from "../support/otherUser.ts"
import { temporary } from "../support/root.ts"
import { inSandbox, readOnly, refusing, without } from "../support/sandbox.ts"
import { ALICE, directoryOf, user } from "../support/users.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "30200-30249", AUTOMATELINUX_SPECIAL_RANGE: "30250-30299" }

const at = (path: string) => ({ ...RANGES, AUTOMATELINUX_PORTS_SOCKET: path })
const ANOTHER = "name another path with AUTOMATELINUX_PORTS_SOCKET"
const OUTSIDE = "a sandbox may forbid it: run d daemon start outside of it, and let its socket in"

/** One sentence about the path, and one about what helps. */
const expectFailure = (run: { code: number | null; stdout: string; stderr: string }, said: string, hint: string) =>
  expect(run).toEqual({ code: 3, stdout: "", stderr: `error: cannot make the socket ${said}\nhint: ${hint}\n` })

describe("a daemon whose socket cannot be made", () => {
  it.skipIf(!isRoot).each(["d.sock", "below/d.sock"])(
    "names the directory that is closed to it, for %s",
    async (name) => {
      const closed = directoryOf(0, 0o700)
      const path = join(closed, name)
      const alice = user(ALICE, at(path))
      expectFailure(
        await alice.d("daemon"),
        `${path}: permission denied for uid ${ALICE}: ${closed} belongs to root`,
        ANOTHER
      )
      expect(await alice.d("ping")).toMatchObject({
        code: 3,
        stderr: `error: permission denied for the socket ${path}\nhint: d doctor --check daemon-running says what to do\n`
      })
    }
  )

  it.skipIf(!isRoot)("names a directory that it may not write to", async () => {
    const directory = directoryOf(0)
    const path = join(directory, "d.sock")
    const said = `${path}: permission denied for uid ${ALICE}: ${directory} belongs to root`
    expectFailure(await user(ALICE, at(path)).d("daemon"), said, ANOTHER)
  })

  it.skipIf(!isRoot).each(["d.sock", "run/d.sock"])("says that the file system is read-only, for %s", async (name) => {
    const directory = temporary()
    const box = machine(at(join(directory, name)))
    expectFailure(
      await readOnly(box, directory, "d daemon"),
      `${join(directory, name)}: its file system is read-only`,
      ANOTHER
    )
  })

  it("says that a directory is missing which cannot be made", async () => {
    const path = "/proc/made/d.sock"
    expectFailure(
      await machine(at(path)).d("daemon"),
      `${path}: its directory does not exist and cannot be made`,
      ANOTHER
    )
  })

  it.each([
    ["binding them", refusing("binding", "EACCES"), "permission denied for "],
    ["making them", without(["unix"], "EPERM"), "permission denied for "],
    ["the whole family", without(["unix"], "EAFNOSUPPORT"), "this process may not use Unix sockets"]
  ])("says what helps in a sandbox that forbids %s", async (_, sandbox, reason) => {
    const path = join(temporary(), "d.sock")
    const run = await inSandbox(machine(at(path)), sandbox, "daemon")
    expect(run).toMatchObject({ code: 3, stdout: "" })
    expect(run.stderr).toMatch(new RegExp(`^error: cannot make the socket ${path}: ${reason}.*\nhint: ${OUTSIDE}\n$`))
  })
})
