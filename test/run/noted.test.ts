import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { rangesFrom } from "../support/doctor.ts"
import { inProcess } from "../support/inProcess.ts"
import { temporary } from "../support/root.ts"

const RANGES = rangesFrom(32_400)

/** A machine with two clones of the project `cad`, in the first of which commands are run. */
const atHome = () => {
  const box = inProcess(RANGES)
  const clone = (directory: string) => {
    writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "cad" }))
    return directory
  }
  const ownerOf = async (key: string) => JSON.parse(await box.ok("explain", "--key", key, "--json")).keys[0].owner
  return { box, here: clone(box.home), other: clone(temporary()), ownerOf }
}

describe("allocate in the directory of a project", () => {
  it("notes the directory of the project's own app, and of no other", async () => {
    const { box, here, ownerOf } = atHome()
    await box.ok("allocate", "--app", "cad")
    expect(await ownerOf("cad-dev")).toMatchObject({ kind: "directory", name: here, said: true })
    await box.ok("allocate", "shop")
    await box.ok("allocate", "--app", "web", "--app", "api")
    await box.ok("allocate", "--special", "cad")
    for (const key of ["shop-dev", "web-dev", "api-dev", "cad"]) expect(await ownerOf(key), key).toBeNull()
  })

  it("notes none with --no-dir, or if another one was named", async () => {
    const { box, other, ownerOf } = atHome()
    await box.ok("allocate", "--app", "cad", "--no-dir")
    expect(await ownerOf("cad-dev")).toBeNull()
    await box.ok("allocate", "--app", "cad", "--dir", other)
    expect(await box.d("allocate", "--app", "cad")).toMatchObject({ code: 0, stderr: "" })
    expect(await ownerOf("cad-dev")).toMatchObject({ name: other })
  })

  it("changes nothing in a dry run", async () => {
    const { box, ownerOf } = atHome()
    await box.ok("allocate", "--app", "cad", "--no-dir")
    await box.ok("allocate", "--app", "cad", "--dry-run")
    expect(await ownerOf("cad-dev")).toBeNull()
  })
})

describe("getPort --allocate", () => {
  it("claims a port if there is none, and otherwise only prints it", async () => {
    const { box, here, other, ownerOf } = atHome()
    const asked = ["getPort", "--app", "cad", "--mode", "dev", "--allocate"]
    expect(await box.d(...asked)).toEqual({ code: 0, stdout: "32401\n", stderr: "" })
    expect(await box.d(...asked)).toEqual({ code: 0, stdout: "32401\n", stderr: "" })
    expect(await ownerOf("cad-dev")).toMatchObject({ name: here, said: true })
    await box.ok("allocate", "--app", "cad", "--dir", other)
    expect(await box.d(...asked)).toEqual({ code: 0, stdout: "32401\n", stderr: "" })
    expect(await box.d("get", "redis", "--allocate")).toMatchObject({ code: 0, stdout: "32500\n" })
    expect(await ownerOf("redis")).toBeNull()
  })

  it("prints nothing if it cannot claim one", async () => {
    const full = inProcess({ ...RANGES, AUTOMATELINUX_APP_RANGE: "32400-32401" })
    await full.ok("allocate", "--app", "cad")
    expect(await full.d("getPort", "--key", "web-dev", "--allocate")).toMatchObject({ code: 1, stdout: "" })
    expect(await full.d("getPort", "--app", "web", "--allocate")).toMatchObject({ code: 2, stdout: "" })
    expect(await full.d("getPort", "--key", "cad-dev", "--allocate")).toEqual({
      code: 0,
      stdout: "32401\n",
      stderr: ""
    })
  })
})
