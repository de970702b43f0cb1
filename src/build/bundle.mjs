import { readFileSync } from "node:fs"
import { basename } from "node:path"
import { build } from "esbuild"

/** Bundles what `entry` loads: the text, and the files that are in it. */
export const bundle = async (entry, plugins = [], target = "node20.19") => {
  const { metafile, outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    platform: "node",
    target,
    format: "cjs",
    write: false,
    metafile: true,
    // The one driver that is a dependency of the package, loaded on need.
    external: ["mysql2"],
    // What is imported on need is required: that spares Node's other loader.
    supported: { "dynamic-import": false },
    plugins,
    logLevel: "warning"
  })
  return { text: outputFiles[0].text, inputs: Object.keys(metafile.inputs) }
}

/**
 * When it is loaded, Effect's logger asks whether standard output is a terminal, and with that loads Node's streams and
 * sockets: a tenth of a start. Nothing is ever logged there.
 */
export const quietLogger = {
  name: "quiet-logger",
  setup: ({ onLoad }) =>
    onLoad({ filter: /effect\/dist\/esm\/internal\/logger\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8")
      if (!text.includes("process.stdout")) throw new Error(`${path} does not look at standard output any more`)
      return { contents: text.replaceAll("process.stdout", "undefined") }
    })
}

/** Loaded by d.cjs on demand, and not part of its bundle. */
export const PARTS = ["run", "text/doctorReport", "text/portTableTerminal", "socket/socketLock"]

/** Leaves what is imported on demand in a file of its own in `directory`, below dist. */
const onDemand = (directory) => ({
  name: "on-demand",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\.ts$/ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path: `./${directory}/${basename(path, ".ts")}.cjs`, external: true } : null
    )
})

/** Bundles d.cjs, which asks a running daemon. An old Node must be able to read it, to say that it is too old. */
export const bundleClient = (directory) => bundle("src/main.ts", [onDemand(directory)], "node12")
