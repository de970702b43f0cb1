import { defineConfig } from "vitest/config"
import { filesToRun, stalled } from "./support/stalled.ts"

/** What runs on Oracle's MySQL: every suite in which the server matters, on it instead of MariaDB. */
export default defineConfig({
  test: {
    include: filesToRun([
      "test/store/mariadb.test.ts",
      "test/store/mysql/*.test.ts",
      "test/e2e/mariadb.test.ts",
      "test/e2e/{history,lost-reply,versions}.test.ts",
      "test/registry/{model,undo}.test.ts",
      "test/doctor/store.test.ts"
    ]),
    // A server that says that it is a node of Galera.
    exclude: ["test/store/mysql/galera-node.test.ts"],
    globalSetup: ["test/support/globalSetup.ts"],
    setupFiles: ["test/support/setup.ts"],
    reporters: ["default", stalled()],
    pool: "forks",
    isolate: false,
    poolOptions: { forks: { minForks: 4, maxForks: 4 } },
    hookTimeout: 120_000,
    testTimeout: 120_000
  }
})
