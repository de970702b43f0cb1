import { setTimeout as sleep } from "node:timers/promises"
import { expect, it } from "vitest"
import { inProcess } from "../../support/inProcess.ts"
import { sharedServer } from "../../support/mariadb.ts"
import { heldAt } from "../../support/proxy.ts"

const RANGES = { AUTOMATELINUX_APP_RANGE: "17900-17949", AUTOMATELINUX_SPECIAL_RANGE: "17950-17999" }

/** Longer than a command takes that need not wait for the lock which the one that is held may have. */
const ENOUGH_MS = 1000

it("allocates for two that begin a registry together, whenever one of them makes the tables", async () => {
  const server = await sharedServer()
  for (let chunk = 2, isHeld = true; isHeld; chunk++) {
    const name = `first${chunk}`
    const quick = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: await server.database(name) })
    let other: Promise<string> | undefined
    const { held, port } = await heldAt(server.socket, chunk, () => {
      other = quick.ok("allocate", "--app", "quick")
      return Promise.race([other, sleep(ENOUGH_MS)])
    })
    const url = `mysql://ports:secret@127.0.0.1:${port}/${name}`
    const slow = inProcess({ ...RANGES, AUTOMATELINUX_DATABASE_URL: url })
    const allocated = [await slow.ok("allocate", "--app", "slow"), (await other) ?? ""].join("")
    isHeld = held()
    const ports = [...allocated.matchAll(/ (\d+)$/gm)].map(([, digits]) => Number(digits)).sort()
    expect(ports, `held at ${chunk}`).toEqual(isHeld ? [17_900, 17_901, 17_902, 17_903] : [17_900, 17_901])
    if (!isHeld) expect(chunk).toBeGreaterThan(10)
  }
})
