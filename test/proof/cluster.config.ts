import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    // Apart from those of the faults, so that both can run at the same time.
    env: { PROOF_FIRST: "25000" },
    include: ["test/proof/cluster.rounds.ts"],
    globalSetup: ["test/support/setup.ts", "test/proof/cluster.setup.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
