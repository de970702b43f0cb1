import { readFileSync } from "node:fs"
import { basename } from "node:path"
import { build } from "esbuild"

/** The files of which a bundle contains anything. */
export const filesIn = ({ outputs }) =>
  Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs).filter((path) => inputs[path].bytesInOutput > 0))

/** Bundles `entry` with its imports. Returns the text, and the files that it contains. */
export const bundle = async (entry, plugins = [], { external = [], format = "cjs", minify = true } = {}) => {
  const { metafile, outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify,
    platform: "node",
    target: "node20.19",
    format,
    write: false,
    metafile: true,
    // The only driver that is a dependency of the package; loaded on demand.
    external: ["mysql2", ...external],
    // Its other form requires its own files in a way that is not seen.
    alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" },
    // Dynamic imports become `require`, so that Node's ES module loader is not needed.
    supported: { "dynamic-import": format === "esm" },
    plugins,
    logLevel: "warning"
  })
  return { text: outputFiles[0].text, files: filesIn(metafile) }
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

/** Loaded by the client or the daemon on demand, and not part of its bundle. */
export const PARTS = [
  "run",
  "http/httpServer",
  "text/doctorReport",
  "text/historyText",
  "text/pruneText",
  "text/exchangeText",
  "text/portTableTerminal",
  "text/terminalText",
  "socket/socketLock",
  "project/project",
  "run/runProgram",
  "run/runInBackground",
  "run/openUrl",
  "cli/cached",
  "mcp/serve",
  "env/envCommand",
  "worktree/worktree",
  "proxy/proxy",
  "agents/agents",
  "service/service",
  "control/control",
  "watch/watch",
  "shell/completeCommand",
  "shell/shellCommand",
  "shell/completionsCommand",
  "exchange/exportCommand",
  "exchange/importCommand",
  "prompt/choose",
  "wizard/walk"
]

/** Leaves dynamically imported modules in files of their own, beside the client. */
const onDemand = {
  name: "on-demand",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\.ts$/ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path: `./${basename(path, ".ts")}.cjs`, external: true } : null
    )
}

/**
 * Leaves the daemon's HTTP in a file of its own, which only a daemon that serves HTTP loads. It contains a copy of Effect, so
 * that the two exchange only plain functions and data.
 */
export const httpApart = {
  name: "http-apart",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/httpServer\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: "./httpServer.cjs", external: true } : null
    )
}

/** Leaves out what Effect's HTTP server has for WebSockets and for files: 85 kB, of which the daemon serves neither. */
export const leftOut = {
  name: "left-out",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^(ws|mime)$/ }, ({ path }) => ({ path, namespace: "left-out" }))
    onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "module.exports = {}" }))
  }
}

/** Bundles the client of the daemon: what every start loads. */
export const bundleClient = () => bundle("src/main.ts", [onDemand])

/** What `automatelinux-ports` and `automatelinux-ports/NAME` are. */
export const ENTRIES = ["index", "vite", "playwright", "next", "effect"]

/** Leaves the library itself out of its other entries, so that there is one class of its errors. */
const beside = (extension) => ({
  name: "beside",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\/index\.ts$/ }, () => ({ path: `./index.${extension}`, external: true }))
})

/** Has the library load dynamically imported modules as the client does, by `parts.cjs` beside it. */
const byParts = {
  name: "by-parts",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /\.ts$/ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path: `${basename(path, ".ts")}.cjs`, namespace: "part" } : null
    )
    onResolve({ filter: /^\.\/parts\.cjs$/ }, ({ path }) => ({ path, external: true }))
    onLoad({ filter: /.*/, namespace: "part" }, ({ path }) => ({
      contents: `module.exports = require("./parts.cjs").load("${path}")`
    }))
  }
}

/** Bundles an entry of the library, which is in a directory below dist. Node shows its lines if an error is not caught. */
export const bundleEntry = (name, format = "cjs") =>
  bundle(`src/library/${name}.ts`, [beside(format === "cjs" ? "cjs" : "mjs"), byParts], {
    external: ["effect"],
    format,
    minify: false
  })
