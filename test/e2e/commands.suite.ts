import { hostname } from "node:os"
import * as Effect from "effect/Effect"
import { beforeEach, describe, expect, it } from "vitest"
import { PortKey } from "../../src/domain/PortKey.ts"
import { Registry } from "../../src/registry/Registry.ts"
import { listen, type Machine, SELF } from "../support/cli.ts"
import type { TestDatabase } from "../support/databases.ts"
import { findingOf, fixOf } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { at, NINE_ROWS, rangesEnv } from "../support/ports.ts"
import { registryLayer } from "../support/registry.ts"

/** The commands through the built program: both streams and the exit code of each. */
export const commandsSuite = (database: TestDatabase) =>
  describe(`commands on ${database.name}`, () => {
    let box: Machine

    beforeEach(async () => {
      box = inProcess({ ...rangesEnv, ...(await database.fresh()) })
    })

    /** By the registry itself: nine programs that start would take as long as the rest of a test. */
    const nineRows = () =>
      Effect.runPromise(
        Effect.provide(
          Effect.flatMap(Registry, (registry) =>
            Effect.forEach(NINE_ROWS, ([key, port, description]) =>
              registry.set({ key: PortKey.make(key), port, description, force: false })
            )
          ),
          registryLayer(box.env)
        )
      )

    const list = async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        (JSON.parse(await box.ok("listPorts", "--json")) as Array<{ key: string; port: number }>).map((each) => [
          each.key,
          each.port
        ])
      )

    it("sets the nine rows of the design, one after the other", async () => {
      for (const [key, port, description] of NINE_ROWS) {
        expect(await box.d("setPort", "--key", key, "--value", String(port), "--description", description)).toEqual({
          code: 0,
          stdout: `Port set for ${key} to ${port}\n`,
          stderr: ""
        })
      }
      expect(await list()).toEqual(Object.fromEntries(NINE_ROWS))
    })

    describe("with the nine rows", () => {
      beforeEach(async () => void (await nineRows()))

      it("allocates as the design says", async () => {
        expect(await box.d("allocate", "--app", "cad")).toEqual({
          code: 0,
          stdout: `cad-prod ${at(3000)}\ncad-dev ${at(3001)}\n`,
          stderr: ""
        })
        expect(await box.ok("allocate", "--app", "newapp")).toBe(`newapp-prod ${at(3008)}\nnewapp-dev ${at(3009)}\n`)
        expect(await box.ok("allocate", "--app", "loom")).toBe(`loom-prod ${at(3004)}\nloom-dev ${at(3005)}\n`)
        expect(await box.ok("allocate", "--special", "pt-proxy")).toBe(`pt-proxy ${at(3502)}\n`)
      })

      it.each(["127.0.0.1", "::1", "0.0.0.0", "::"])("skips what listens on %s, and says what it is", async (host) => {
        await box.ok("allocate", "--app", "newapp")
        await listen(at(3010), host)
        expect(await box.d("allocate", "--app", "next")).toEqual({
          code: 0,
          stdout: `next-prod ${at(3012)}\nnext-dev ${at(3013)}\n`,
          stderr: `skipped ${at(3010)}: ${SELF}, pid ${process.pid}, in ${process.cwd()}\n`
        })
        expect(JSON.parse(await box.ok("allocate", "--app", "after", "--dry-run", "--json"))).toEqual({
          assignments: [
            { key: "after-prod", port: at(3014), created: true },
            { key: "after-dev", port: at(3015), created: true }
          ],
          skipped: [{ port: at(3010), reason: "bound", by: `${SELF}, pid ${process.pid}, in ${process.cwd()}` }]
        })
      })

      it("does not complete a pair whose other half is bound", async () => {
        await listen(at(3004), "127.0.0.1")
        const run = await box.d("allocate", "--app", "loom")
        expect(run).toMatchObject({ code: 1, stdout: "" })
        expect(run.stderr).toContain(`loom-dev has ${at(3005)}`)
        expect(run.stderr).toContain(
          `${at(3004)}, the other half of its pair, is in use by ${SELF}, pid ${process.pid}`
        )
        expect(run.stderr).toContain("hint: d doctor --check pair-broken shows a pair to move it to")
      })

      it("never moves an assignment: a blocked half is a conflict whose fix works", async () => {
        await box.ok("setPort", "--key", "wall", "--value", String(at(3004)))
        const before = await list()
        const run = await box.d("allocate", "--app", "loom")
        expect(run).toMatchObject({ code: 1, stdout: "" })
        expect(run.stderr).toContain("belongs to wall")
        expect(await list()).toEqual(before)
        expect(run.stderr).toContain("hint: d doctor --check pair-broken shows a pair to move it to\n")
        const mended = await box.sh(fixOf(await findingOf(box, "pair-broken")))
        expect(mended.stdout).toBe(
          `Port set for loom-dev to ${at(3009)}\nloom-prod ${at(3008)}\nloom-dev ${at(3009)}\n`
        )
      })

      it("keeps a split pair as it is, with a note", async () => {
        await box.ok("setPort", "--key", "cad-dev", "--value", "9999")
        expect(await box.d("allocate", "--app", "cad")).toMatchObject({
          code: 0,
          stdout: `cad-prod ${at(3000)}\ncad-dev 9999\n`,
          stderr: expect.stringMatching(/^note: cad keeps .* 9999 as stored/)
        })
      })

      it("tells in one line what it skipped, however much it was", async () => {
        const by = `${SELF}, pid ${process.pid}, in ${process.cwd()}`
        for (const port of [3008, 3011, 3012, 3014, 3017]) await listen(at(port), "127.0.0.1")
        const { code, stderr, stdout } = await box.d("allocate", "--app", "newapp")
        expect([code, stdout]).toEqual([0, `newapp-prod ${at(3018)}\nnewapp-dev ${at(3019)}\n`])
        expect(stderr).toBe(
          `skipped ${[3008, 3011, 3012].map((port) => `${at(port)}: ${by}`).join("; ")}; and 2 more\n`
        )
        const { skipped } = JSON.parse(await box.ok("allocate", "--app", "next", "--json", "--dry-run"))
        expect(skipped.map(({ port }: { port: number }) => port)).toEqual([3008, 3011, 3012, 3014, 3017].map(at))
      })

      it("shows as up what listens now, without a daemon", async () => {
        await listen(at(3001), "127.0.0.1")
        expect(await box.ok("listPorts", "--health", "up")).toMatch(
          /^KEY .*\ncad-dev +\d+ +dev +up +CAD app development\n$/
        )
        const [up] = JSON.parse(await box.ok("listPorts", "--health", "up", "--json"))
        const now = expect.stringMatching(/^2\d{3}-/)
        expect(up.health).toEqual({ state: "up", since: null, lastUp: now, checkedAt: now })
        expect(await box.ok("explain", "--key", "cad-dev")).toMatch(/^health {6}up now$/m)
        expect(await box.ok("explain", "--key", "cad-prod")).toMatch(/^health {6}unknown: never probed$/m)
      })

      it("lists what is there as a table by port, and as JSON", async () => {
        const { stdout } = await box.d("listPorts")
        const lines = stdout.trimEnd().split("\n")
        expect(lines[0]).toBe(
          "KEY               PORT  KIND     HEALTH   DESCRIPTION".replace("PORT ", at(3000) > 9999 ? " PORT " : "PORT ")
        )
        expect(lines[1]).toBe(`cad-prod          ${at(3000)}  prod     unknown  CAD app production`)
        expect(lines.at(-1)).toBe(`dashboard-bridge  ${at(3501)}  special  unknown  Dashboard daemon bridge`)
        expect(lines).toHaveLength(10)
        const [first] = JSON.parse(await box.ok("listPorts", "--app", "cad", "--json"))
        expect(first).toEqual({
          key: "cad-prod",
          port: at(3000),
          kind: "prod",
          app: "cad",
          description: "CAD app production",
          host: hostname(),
          health: { state: "unknown", since: null, lastUp: null, checkedAt: null },
          listener: null,
          owner: null,
          pinned: false
        })
      })

      it("shows what listens on an assigned port", async () => {
        await listen(at(3001), "127.0.0.1")
        const [, dev] = JSON.parse(await box.ok("listPorts", "--app", "cad", "--json"))
        expect(dev.listener).toMatchObject({
          address: "127.0.0.1",
          pid: process.pid,
          command: SELF,
          directory: process.cwd()
        })
      })

      it("forces a port upon a second key, and passes the claim on", async () => {
        const refused = await box.d("setPort", "--key", "pt", "--value", String(at(3001)))
        expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("belongs to cad-dev") })
        expect(await list()).not.toHaveProperty("pt")
        const forced = await box.d("setPort", "--key", "pt", "--value", String(at(3001)), "--force")
        expect(forced).toMatchObject({ code: 0, stdout: `Port set for pt to ${at(3001)}\n` })
        expect(forced.stderr).toContain("also belongs to cad-dev")
        expect(await list()).toMatchObject({ pt: at(3001), "cad-dev": at(3001) })
        await box.ok("deletePort", "--key", "cad-dev")
        // The claim is pt's now, so nobody else gets the port without force.
        const again = await box.d("setPort", "--key", "cad-dev", "--value", String(at(3001)))
        expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("belongs to pt") })
      })
    })

    it("answers nothing at all for a key that is not set", async () => {
      const run = await box.sh(`PORT=$(d getPort --key nothing); echo "$?[$PORT]"`)
      expect(run.stdout).toBe("1[]\n")
      expect(run.stderr).toContain("Port not set for nothing")
    })

    it("reads by key and by app and mode", async () => {
      await box.ok("allocate", "--app", "cad")
      expect(await box.ok("getPort", "--key", "cad-dev")).toBe(`${at(3001)}\n`)
      expect(await box.ok("getPort", "--app", "cad", "--mode", "prod")).toBe(`${at(3000)}\n`)
      expect(await box.ok("send", "getPort", "--key=cad-dev", "--json")).toBe(`{"key":"cad-dev","port":${at(3001)}}\n`)
    })

    it("claims all of a call or none", async () => {
      const both = await box.ok("allocate", "--app", "a", "--special", "s", "--app", "b", "--app", "a")
      expect(both).toBe(`a-prod ${at(3000)}\na-dev ${at(3001)}\nb-prod ${at(3002)}\nb-dev ${at(3003)}\ns ${at(3500)}\n`)
      await box.ok("setPort", "--key", "half-prod", "--value", "9000")
      const before = await list()
      expect(await box.d("allocate", "--app", "c", "--app", "half")).toMatchObject({ code: 1, stdout: "" })
      expect(await list()).toEqual(before)
    })

    it("describes every key that it names, and no other", async () => {
      await box.ok("allocate", "--app", "a")
      await box.ok("allocate", "--app", "b", "--description", "other")
      const described = { code: 0, stdout: `a-prod ${at(3000)}\na-dev ${at(3001)}\n`, stderr: "" }
      expect(await box.d("allocate", "--app", "a", "--description", "first")).toEqual(described)
      expect(await box.ok("listPorts")).toMatch(/first\n.*first\n.*other\n.*other\n$/)
      await box.ok("allocate", "--app", "a", "--description", "second", "--dry-run")
      await box.ok("allocate", "--app", "a")
      expect(await box.ok("listPorts", "--app", "a")).toMatch(/first\n.*first\n$/)
      expect(await box.d("allocate", "--app", "a", "--description", "")).toEqual(described)
      expect(await box.ok("listPorts", "--app", "a")).not.toContain("first")
      expect(await box.ok("setPort", "--key", "a-dev", "--description", "third")).toBe("Description set for a-dev\n")
      expect(await box.ok("setPort", "--key", "a-dev", "--value", String(at(3101)))).toBe(
        `Port set for a-dev to ${at(3101)}\n`
      )
      expect(await box.ok("listPorts")).toContain("third")
      expect(await box.d("setPort", "--key", "nobody", "--description", "x")).toMatchObject({ code: 1, stdout: "" })
    })

    it("answers a dry run and writes nothing", async () => {
      expect(await box.ok("allocate", "--app", "a", "--dry-run")).toBe(`a-prod ${at(3000)}\na-dev ${at(3001)}\n`)
      expect(await list()).toEqual({})
    })

    it("sets a port that is reserved, out of range, of the wrong parity or in use, and says so", async () => {
      await listen(at(3101), "127.0.0.1")
      const warned = async (key: string, port: number) =>
        (await box.d("setPort", "--key", key, "--value", String(port))).stderr
      expect(await warned("a", 3659)).toContain("reserved: blocked by browsers (apple-sasl)")
      expect(await warned("b-dev", 9001)).toContain("is outside")
      expect(await warned("c-prod", at(3103))).toContain("is odd; the prod port of a pair is even")
      expect(await warned("d-dev", at(3101))).toContain(`in use by ${SELF}, pid ${process.pid}`)
      expect(await warned("d-dev", at(3101))).toBe("")
    })

    it("deletes, releases and renames", async () => {
      await box.ok("allocate", "--app", "a", "--app", "b", "--special", "s", "--description", "kept")
      expect(await box.ok("deletePort", "--key", "a-prod")).toBe("Port entry deleted for a-prod\n")
      expect(await box.d("deletePort", "--key", "a-prod")).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringContaining("Port entry not found for a-prod")
      })
      expect(await box.ok("release", "--app", "a", "--special", "s")).toBe(`a-dev ${at(3001)}\ns ${at(3500)}\n`)
      expect(await box.d("release", "--app", "a")).toMatchObject({
        code: 0,
        stdout: "",
        stderr: expect.stringContaining("note: a has no port")
      })
      expect(await box.ok("release", "--app", "a", "--json")).toBe('{"released":[]}\n')
      expect(await box.ok("rename", "--key", "b-dev", "--to", "c-dev")).toBe(`c-dev ${at(3003)}\n`)
      expect(await box.d("rename", "--key", "c-dev", "--to", "b-prod")).toMatchObject({ code: 1, stdout: "" })
      expect(await box.d("rename", "--key", "none", "--to", "b-prod")).toMatchObject({ code: 1, stdout: "" })
      const kept = JSON.parse(await box.ok("listPorts", "--app", "c", "--json"))
      expect(kept).toMatchObject([{ key: "c-dev", port: at(3003), description: "kept" }])
      expect(await list()).toEqual({ "b-prod": at(3002), "c-dev": at(3003) })
      expect(await box.ok("deletePort", "--key", "c-dev", "--json")).toBe(
        `{"released":[{"key":"c-dev","port":${at(3003)}}]}\n`
      )
      // What was given back is given out again.
      expect(await box.ok("allocate", "--app", "again")).toContain(`again-prod ${at(3000)}`)
    })

    it("holds a port back until it is let go", async () => {
      const port = String(at(3001))
      expect(await box.ok("reserve", "--port", port, "--reason", "the printer's")).toBe(
        `${port} reserved: the printer's\n`
      )
      expect(await box.ok("allocate", "--app", "a")).toContain(`a-prod ${at(3002)}`)
      expect(await box.ok("unreserve", "--port", port)).toBe(`${port} no longer reserved\n`)
      expect(await box.d("unreserve", "--port", port)).toMatchObject({ code: 1, stdout: "" })
      expect(await box.ok("allocate", "--app", "b")).toContain(`b-prod ${at(3000)}`)
      expect((await box.d("reserve", "--port", port, "--reason", "late")).stderr).toContain("b-dev still has")
      expect((await box.d("unreserve", "--port", "3306")).stderr).toContain("add -3306 to AUTOMATELINUX_RESERVED_PORTS")
    })

    it("does not call an app or a special nothing because its name was typed as the other's", async () => {
      await box.ok("allocate", "--app", "web", "--special", "proxy")
      for (const [words, other] of [
        [["release", "proxy"], "a special: d release --special proxy"],
        [["release", "--special", "web"], "an app: d release --app web"]
      ] as const) {
        const told = `note: ${words.at(-1)} is not released: it is the name of ${other}\n`
        expect(await box.d(...words)).toEqual({ code: 0, stdout: "", stderr: told })
      }
      expect((await box.d("release", "nobody")).stderr).toBe("note: nobody has no port to release\n")
      expect(Object.keys(await list())).toHaveLength(3)
      for (const words of [
        ["get", "web"],
        ["explain", "web"]
      ])
        expect((await box.d(...words)).stderr).toContain(
          "\nhint: if web is an app, its keys are web-prod and web-dev; d listPorts"
        )
      expect((await box.d("rm", "web")).stderr).toContain("\nhint: web is an app: d release --app web\n")
      expect((await box.d("getPort", "--key", "3000")).stderr).toContain(
        "\nhint: 3000 is a port: d explain 3000 shows who has it\n"
      )
    })

    it("says no with the figures when a range is full, and claims nothing", async () => {
      const small = box.with({
        AUTOMATELINUX_APP_RANGE: `${at(3020)}-${at(3027)}`,
        AUTOMATELINUX_SPECIAL_RANGE: `${at(3030)}-${at(3031)}`,
        AUTOMATELINUX_RESERVED_PORTS: String(at(3022))
      })
      await listen(at(3024), "127.0.0.1")
      await small.ok("allocate", "--app", "a", "--app", "b")
      const before = await list()
      const full = await small.d("allocate", "--special", "s", "--app", "c", "--json")
      expect(full).toMatchObject({ code: 1, stdout: "" })
      expect(JSON.parse(full.stderr).error).toEqual({
        code: "range-full",
        message: `no free pair for c in ${at(3020)}-${at(3027)}: slots 4, claimed 2, reserved 1, busy 1, stale 0`,
        hint: "release what is no longer needed (d listPorts), or enlarge the range: AUTOMATELINUX_APP_RANGE"
      })
      await small.ok("allocate", "--special", "s", "--special", "t")
      expect((await small.d("allocate", "--special", "u")).stderr).toContain("no free port for u")
      expect(await list()).toEqual({ ...before, s: at(3030), t: at(3031) })
    })

    it("says so where the answer cannot be written", async () => {
      for (const env of [{}, { AUTOMATELINUX_DAEMON: "never" }]) {
        const run = await box.with(env).sh("d allocate --app a > /dev/full")
        expect(run).toMatchObject({
          code: 3,
          stderr: expect.stringMatching(
            /^error: cannot write to standard output: its disk is full; the command was carried out\nhint: d listPorts shows the current state\n$/
          )
        })
        for (const words of ["listPorts", "getPort --key a-dev", "help", "version", "ping --json"]) {
          const question = await box.with(env).sh(`d ${words} > /dev/full`)
          expect(question.code).toBe(3)
          if (words !== "ping --json")
            expect(question.stderr).toBe(
              "error: cannot write to standard output: its disk is full\nhint: free some space, or send it elsewhere\n"
            )
        }
      }
      const { stderr } = await box.sh("d getPort --key a-dev --json > /dev/full")
      expect(JSON.parse(stderr).error).toMatchObject({ code: "unavailable" })
      expect(await box.ok("getPort", "--key", "a-dev")).toBe(`${at(3001)}\n`)
    })

    it("ends quietly when its reader has seen enough", async () => {
      await nineRows()
      const run = await box.sh("d listPorts | head -1; d listPorts | true; d help | head -1")
      expect(run).toMatchObject({ code: 0, stderr: "" })
      expect(run.stdout).toMatch(/^KEY .*\nd is the registry/)
    })
  })
