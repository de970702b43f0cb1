import { spawn } from "node:child_process"
import { copyOfProgram, type Run } from "./cli.ts"

export const isRoot = process.getuid?.() === 0
export const NOBODY = 65_534

/** `d` as an ordinary user, who is not the one that runs the tests where that is root, who may do anything. */
export const asNobody = (env: Readonly<Record<string, string>>, ...words: ReadonlyArray<string>) =>
  asUser(NOBODY, env, ...words)

/** `d` as the user `uid`, whom the system need not know, where the tests run as root. */
export const asUser = (uid: number, env: Readonly<Record<string, string>>, ...words: ReadonlyArray<string>) =>
  new Promise<Run>((done) => {
    // Nobody may not look into the checkout.
    const program = copyOfProgram()
    const child = spawn(process.execPath, [program, ...words], {
      env: { HOME: "/nonexistent", AUTOMATELINUX_DAEMON: "never", ...env },
      cwd: "/",
      stdio: ["ignore", "pipe", "pipe"],
      ...(isRoot ? { uid, gid: uid } : {})
    })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk) => (stdout += chunk))
    child.stderr.on("data", (chunk) => (stderr += chunk))
    child.on("close", (code) => done({ code, stdout, stderr }))
  })
