import { expect, it } from "vitest"
import { SHELLS } from "../support/cli.ts"
import { examine, rangesFrom } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"

/** The fixes of one report are typed one after the other, in its order: none fails, and nothing is left to report. */

const RANGES = rangesFrom(27_100)
/** What is no fault of the registry, and what no command can fix. */
const OTHERS = ["daemon-running", "port-unreachable"]

const REGISTRIES: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["three apps of one mode outside of the range", ["shop-dev=5173", "api-dev=8080", "angular-dev=4200"]],
  ["specials outside of the range", ["a=27100", "b=27101", "c=27102"]],
  ["an app that needs two things", ["cad-prod=27107", "cad-dev=27108", "loom-dev=27105", "wall=27104"]],
  [
    "a port of two apps, and one of three",
    ["a-dev=27101", "b-dev=27101", "a-prod=27100", "b-prod=27100", "c-prod=27100"]
  ],
  ["a reserved port in half a pair", ["held-dev=27111", "next-dev=27113", "split-prod=27114", "split-dev=27119"]],
  [
    "a half next to a port that a move would take",
    ["one-dev=27101", "two-prod=27103", "two-dev=27104", "three-dev=27121"]
  ]
]

const fixesOf = (findings: ReadonlyArray<{ check: string; fix: string | null }>) =>
  findings.filter(({ check }) => !OTHERS.includes(check))

for (const shell of Object.keys(SHELLS) as ReadonlyArray<keyof typeof SHELLS>) {
  it.each(REGISTRIES)(`all together, in ${shell}: %s`, async (_, ports) => {
    const box = inProcess({ ...RANGES, AUTOMATELINUX_DAEMON: "never" })
    await box.ok("listPorts")
    await box.ok("reserve", "--port", "27111", "--reason", "held")
    for (const each of ports) {
      const [key = "", port = ""] = each.split("=")
      await box.ok("setPort", "--key", key, "--value", port, "--force")
    }
    const findings = fixesOf((await examine(box)).findings)
    expect(findings.length).toBeGreaterThan(0)
    const typed = findings.map(({ fix }) => `{ ${fix}\n} >/dev/null </dev/null || echo failed`).join("\n")
    expect((await box.typed(shell, typed)).stdout).toBe("")
    expect(fixesOf((await examine(box)).findings)).toEqual([])
  })
}

it("gives no two keys one port, whichever of the fixes are typed", async () => {
  const box = inProcess({ ...RANGES, AUTOMATELINUX_DAEMON: "never" })
  for (const [at, key] of ["a-dev", "b-dev", "c-dev", "d-prod", "e"].entries())
    await box.ok("setPort", "--key", key, "--value", String(9100 + 2 * at + (key === "d-prod" ? 1 : 0)))
  const { findings } = await examine(box)
  // What is wrong with one app twice has one fix.
  const fixes = new Set(fixesOf(findings).map(({ fix }) => fix ?? ""))
  const ports = [...fixes].flatMap((fix) => [...fix.matchAll(/--value (\d+)/g)].map(([, port]) => port))
  expect(ports).toHaveLength(5)
  expect(new Set(ports).size).toBe(5)
  // An explanation of one port is a report of its own.
  const { findings: explained } = JSON.parse(await box.ok("explain", "--key", "b-dev", "--json"))
  expect(new Set(fixesOf(explained).map(({ fix }) => fix))).toEqual(
    new Set(["d setPort --key b-dev --value 27101 && d allocate --app b"])
  )
})
