import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/proof/cluster.rounds.ts"],
    globalSetup: ["test/support/setup.ts", "test/proof/cluster.setup.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
