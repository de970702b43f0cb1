import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/faults/{faults,elsewhere,power-cut}.rounds.ts"],
    globalSetup: ["test/support/globalSetup.ts"],
    setupFiles: ["test/support/setup.ts"],
    poolOptions: { forks: { minForks: 3, maxForks: 3 } },
    testTimeout: 120_000
  }
})
