import { expect, it } from "vitest"
import { listen, type Machine, startDaemon } from "../support/cli.ts"
import { seenUp, serve } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"

/** After its first tick the daemon does not probe again. */
const watched = (): Machine =>
  inProcess({
    AUTOMATELINUX_APP_RANGE: "28500-28599",
    AUTOMATELINUX_SPECIAL_RANGE: "28600-28699",
    AUTOMATELINUX_PROBE_INTERVAL: "1 hour"
  })

const list = async (box: Machine, ...words: ReadonlyArray<string>) =>
  JSON.parse(await box.ok("listPorts", "--json", ...words))
const keys = async (box: Machine, health: string) =>
  (await list(box, "--health", health)).map(({ key }: { key: string }) => key)
const counts = async (box: Machine) => JSON.parse(await box.ok("status", "--json")).health

const TIME = expect.stringMatching(/^2\d{3}-.*Z$/)

it("lists a server that was killed as down at once, wherever its health is shown", async () => {
  const box = watched()
  await box.ok("allocate", "--app", "a", "--app", "b")
  await listen(28_502, "127.0.0.1")
  const server = await serve(28_501)
  const daemon = await startDaemon(box)
  await seenUp(box, "a-dev", "b-prod")
  expect(await counts(box)).toMatchObject({ up: 2, down: 2 })
  const [, before] = await list(box)

  await server.stop()
  expect(await keys(box, "up")).toEqual(["b-prod"])
  expect(await keys(box, "down")).toEqual(["a-prod", "a-dev", "b-dev"])
  expect(await counts(box)).toMatchObject({ up: 1, down: 3 })
  const [, dev] = await list(box)
  expect(dev).toMatchObject({ key: "a-dev", health: { state: "down", since: null, checkedAt: TIME }, listener: null })
  // When it was last probed, which is the last time that it is known to have been up.
  expect(dev.health.lastUp).toBe(before.health.lastUp)
  expect(await box.ok("explain", "--key", "a-dev")).toMatch(/^health {6}down now, last up 2\d{3}-\S+Z$/m)

  await daemon.stop()
  expect(await keys(box, "down")).toEqual(["a-prod", "a-dev", "b-dev"])
  await listen(28_501, "::1")
  expect(await keys(box, "up")).toEqual(["a-dev", "b-prod"])
})

it("names the host that claimed a key, and the container or the unit of what listens", async () => {
  const box = watched().with({ AUTOMATELINUX_HOST: "laptop" })
  await box.with({ AUTOMATELINUX_HOST: "build" }).ok("allocate", "--app", "a")
  await box.ok("setPort", "--key", "b", "--value", "28501", "--force")
  await serve(28_500, { words: ["-container-ip", "172.17.0.2", "-container-port", "80"] })
  expect(await list(box)).toMatchObject([
    { key: "a-prod", host: "build", listener: { container: "172.17.0.2:80", unit: null } },
    { key: "a-dev", host: "build", listener: null },
    { key: "b", host: null }
  ])
})
