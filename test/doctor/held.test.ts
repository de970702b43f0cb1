import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { expect, it } from "vitest"
import { afterMending, findingOf, fixOf, hold, rangesFrom, serve } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { isRoot } from "../support/otherUser.ts"

/** Ports that are in use, although no listener shows it. */

const RANGES = rangesFrom(18_000)

const IN_USE = "is in use by an unknown process"

it("explains and sets a port that is bound as allocate takes it", async () => {
  const box = inProcess(RANGES)
  await hold(18_002)
  const explain = async (port: number) => JSON.parse(await box.ok("explain", "--port", String(port), "--json"))
  expect(await explain(18_002)).toMatchObject({
    place: `unassigned and not available: it ${IN_USE}`,
    allocatable: false,
    inUse: true,
    listeners: []
  })
  expect((await explain(18_003)).place).toBe(
    `free, but will not be allocated: 18002, the other half of its pair, ${IN_USE}`
  )
  expect((await explain(18_004)).place).toContain("the next app gets 18000")
  expect(await box.ok("explain", "--port", "18002")).toMatch(
    /^listens +nothing visible, but something has bound the port$/m
  )
  await box.ok("allocate", "--app", "cad")
  expect((await explain(18_006)).place).toContain("the next app gets 18004")
  const set = await box.d("setPort", "--key", "zz", "--value", "18002")
  expect(set).toMatchObject({ code: 0, stdout: "Port set for zz to 18002\n" })
  expect(set.stderr).toContain(`warning: 18002 ${IN_USE}\n`)
  await box.ok("deletePort", "--key", "zz")
  const claimed = await box.d("allocate", "--app", "nn")
  expect(claimed).toMatchObject({
    stdout: "nn-prod 18004\nnn-dev 18005\n",
    stderr: "skipped 18002: an unknown process\n"
  })
})

it("proposes no port that is bound", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  await box.ok("setPort", "--key", "pt-prod", "--value", "18002")
  await box.ok("setPort", "--key", "pt-dev", "--value", "18006")
  await hold(18_003)
  await hold(18_004)
  const finding = await findingOf(box, "pair-broken")
  expect(finding.fix).toBe("d setPort --key pt-prod --value 18008 && d setPort --key pt-dev --value 18009")
  expect(await afterMending(box, finding)).toEqual([])
})

it("calls half a pair broken if the port of the other half is bound", async () => {
  const box = inProcess(RANGES)
  await box.ok("setPort", "--key", "pt-prod", "--value", "18002")
  expect(await findingOf(box, "pair-broken")).toMatchObject({ severity: "info", fix: "d allocate --app pt" })
  await hold(18_003)
  const finding = await findingOf(box, "pair-broken")
  expect(finding).toMatchObject({
    severity: "warning",
    evidence: `pt-prod has 18002, pt-dev has no port; 18003 ${IN_USE}`
  })
  expect(fixOf(finding)).toBe("d setPort --key pt-prod --value 18000 && d allocate --app pt")
  expect(await afterMending(box, finding)).toEqual([])
})

it("says what it cannot see where the kernel shows no listeners", async () => {
  const box = inProcess(RANGES)
  await box.ok("allocate", "--app", "cad")
  await serve(18_002)
  const asked = async (...words: ReadonlyArray<string>) => {
    const unshare = [...(isRoot ? [] : ["--map-root-user"]), "--mount", "bash", "-c"]
    const command = 'mount -t tmpfs none /proc && exec "$@"'
    const program = [process.execPath, join(process.cwd(), "dist/d.cjs"), ...words]
    const { stdout, stderr } = await promisify(execFile)("unshare", [...unshare, command, "bash", ...program], {
      env: { ...box.env, AUTOMATELINUX_DAEMON: "never" }
    })
    return { stdout, stderr }
  }
  const { findings, failed, healthy } = JSON.parse((await asked("doctor", "--json")).stdout)
  expect(failed).toEqual(["port-taken", "port-hung", "port-squatted"])
  expect(healthy).toBe(true)
  expect(findings.map(({ check }: { check: string }) => check)).not.toContain("port-taken")
  expect((await asked("doctor")).stdout).toMatch(/^not checked: port-taken, port-hung, port-squatted$/m)
  expect(JSON.parse((await asked("explain", "--port", "18002", "--json")).stdout)).toMatchObject({
    inUse: true,
    allocatable: false,
    place: `unassigned and not available: it ${IN_USE}`
  })
  expect((await asked("setPort", "--key", "k", "--value", "18002")).stderr).toContain(`warning: 18002 ${IN_USE}`)
  expect((await asked("allocate", "--app", "a")).stdout).toBe("a-prod 18004\na-dev 18005\n")
  await expect(asked("doctor", "--accept", "cad-dev")).rejects.toMatchObject({
    code: 3,
    stderr: expect.stringContaining("cannot tell which process listens")
  })
})
