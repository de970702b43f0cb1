// Bundles the program into dist/d.cjs: minified, in one file, the database drivers left outside it and loaded on need.
// The file is replaced by a rename, so that a program that is running or starting never meets half of one.
import { chmodSync, renameSync } from "node:fs"
import { build } from "esbuild"

const built = `dist/d.cjs.${process.pid}`
await build({
  entryPoints: ["src/main.ts"],
  outfile: built,
  bundle: true,
  minify: true,
  platform: "node",
  target: "node20.19",
  format: "cjs",
  external: ["better-sqlite3", "mysql2"],
  banner: { js: "#!/usr/bin/env node" },
  logLevel: "warning"
})
chmodSync(built, 0o755)
renameSync(built, "dist/d.cjs")
