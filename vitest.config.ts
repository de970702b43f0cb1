import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/globalSetup.ts"],
    pool: "forks",
    // Most tests wait for a server or for time to pass. Each process has a thousand ports of its own: test/support/ports.ts.
    poolOptions: { forks: { minForks: 1, maxForks: Math.min(2 * availableParallelism(), 6) } },
    testTimeout: 120_000
  }
})
