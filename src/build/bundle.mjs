import { readFileSync } from "node:fs"
import { basename } from "node:path"
import { build } from "esbuild"

/** Bundles `entry` with its imports. Returns the text, and the files that it contains. */
export const bundle = async (entry, plugins = []) => {
  const { metafile, outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    platform: "node",
    target: "node20.19",
    format: "cjs",
    write: false,
    metafile: true,
    // The only driver that is a dependency of the package; loaded on demand.
    external: ["mysql2"],
    // Its other form requires its own files in a way that is not seen.
    alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
    // Dynamic imports become `require`, so that Node's ES module loader is not needed.
    supported: { "dynamic-import": false },
    plugins,
    logLevel: "warning"
  })
  return { text: outputFiles[0].text, inputs: Object.keys(metafile.inputs) }
}

/**
 * Effect's logger checks at load time whether standard output is a terminal, which loads Node's streams and sockets: a
 * tenth of the startup time. Nothing is ever logged there.
 */
export const quietLogger = {
  name: "quiet-logger",
  setup: ({ onLoad }) =>
    onLoad({ filter: /effect\/dist\/esm\/internal\/logger\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8")
      if (!text.includes("process.stdout")) throw new Error(`${path} no longer checks standard output`)
      return { contents: text.replaceAll("process.stdout", "undefined") }
    })
}

/** Loaded by the client on demand, and not part of its bundle. */
export const PARTS = [
  "run",
  "text/doctorReport",
  "text/historyText",
  "text/portTableTerminal",
  "text/terminalText",
  "socket/socketLock",
  "project/project",
  "run/runProgram",
  "run/runInBackground",
  "run/starting",
  "run/openUrl",
  "mcp/serve",
  "env/envCommand",
  "worktree/worktree",
  "agents/agents"
]

/** Leaves dynamically imported modules in files of their own, beside the client. */
const onDemand = {
  name: "on-demand",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\.ts$/ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path: `./${basename(path, ".ts")}.cjs`, external: true } : null
    )
}

/** Bundles the client of the daemon: what every start loads. */
export const bundleClient = () => bundle("src/main.ts", [onDemand])
