import { execFileSync, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { onTestFinished } from "vitest"
import { collect, type Machine, type Run } from "./cli.ts"
import { once, ROOT } from "./root.ts"

/** The directory of all projects. What is installed in it is what they import. */
const PROJECTS = join(ROOT, "projects")
const MODULES = join(PROJECTS, "node_modules")

/** Makes a package of this checkout one of the projects'. */
export const link = (name: string, from = resolve("node_modules")): void => {
  mkdirSync(dirname(join(MODULES, name)), { recursive: true })
  symlinkSync(join(from, name), join(MODULES, name))
}

/** Unpacks the package as npm packs it. */
const installPackage = (): void => {
  mkdirSync(join(MODULES, "automatelinux-ports"), { recursive: true })
  execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", PROJECTS])
  const [packed = ""] = readdirSync(PROJECTS).filter((name) => name.endsWith(".tgz"))
  const words = [
    "--extract",
    "--strip-components=1",
    "--file",
    packed,
    "--directory",
    "node_modules/automatelinux-ports"
  ]
  execFileSync("tar", words, { cwd: PROJECTS })
  for (const name of ["mysql2", "vite", "vitest", "effect", "@types/node"]) link(name)
}

/** Makes a project with these files, in which the packed package can be imported. Returns its directory. */
export const projectWith = (name: string, files: Readonly<Record<string, string>> = {}): string => {
  once("installation of the package", installPackage)
  const root = mkdtempSync(join(PROJECTS, `${name}-`))
  const all = { "package.json": JSON.stringify({ name, type: "module" }), ...files }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

/** Runs a program in `directory`, with the variables of `box`. */
export const runIn = (
  box: Machine,
  directory: string,
  program: string,
  ...words: ReadonlyArray<string>
): Promise<Run> => collect(spawn(program, words, { env: box.env, cwd: directory, stdio: ["ignore", "pipe", "pipe"] }))

/** Imports the library in `directory`, and returns what the expression `code` comes to, or the error that it throws. */
export const evaluate = async (box: Machine, directory: string, code: string): Promise<unknown> => {
  const program = `
    import * as library from "automatelinux-ports"
    const { check, checkSync, port, portSync, PortsError, registry, url, urlSync } = library
    const notes = []
    const onNote = (line) => notes.push(line)
    const shown = (error) => error instanceof PortsError ? { code: error.code, message: error.message, hint: error.hint } : String(error)
    let result
    try { result = await (${code}) } catch (error) { result = { error: shown(error) } }
    console.log(JSON.stringify(result ?? null))`
  const run = await runIn(box, directory, process.execPath, "--input-type=module", "-e", program)
  if (run.code !== 0 || run.stderr !== "") throw new Error(`${code} ended with ${run.code}: ${run.stderr}`)
  return JSON.parse(run.stdout)
}

/** Starts a server of its own in `directory`, and waits until it listens. */
export const serveIn = async (
  box: Machine,
  directory: string,
  port: number,
  answer = '"from " + process.cwd()'
): Promise<number> => {
  const code = `require("node:http").createServer((_, reply) => reply.end((${answer}))).listen(${port}, () => console.log("up"))`
  const child = spawn(process.execPath, ["-e", code], {
    env: box.env,
    cwd: directory,
    stdio: ["ignore", "pipe", "inherit"]
  })
  const ended = new Promise((done) => child.once("exit", done))
  onTestFinished(async () => {
    child.kill("SIGKILL")
    await ended
  })
  await new Promise((up) => child.stdout.once("data", up))
  return child.pid ?? 0
}
