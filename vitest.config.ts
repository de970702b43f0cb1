import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"
import { filesToRun, stalled } from "./test/support/stalled.ts"

/**
 * Most tests wait for a server, or for time to pass. Each process has a thousand ports of its own, of eight in
 * test/support/globalSetup.ts; on two of them something else may listen.
 */
const PROCESSES = Math.min(3 * availableParallelism(), 6)

export default defineConfig({
  test: {
    include: filesToRun(["test/**/*.test.ts"]),
    globalSetup: ["test/support/globalSetup.ts"],
    setupFiles: ["test/support/setup.ts"],
    reporters: ["default", stalled()],
    pool: "forks",
    // A process loads effect and the sources once, and not for each file.
    isolate: false,
    // Without isolation, a pool that may have fewer processes fails.
    poolOptions: { forks: { minForks: PROCESSES, maxForks: PROCESSES } },
    testTimeout: 120_000,
    // A hook installs or builds what its tests need, beside the other processes.
    hookTimeout: 120_000
  }
})
