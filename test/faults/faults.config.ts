import { defineConfig } from "vitest/config"
import { filesToRun, stalled } from "../support/stalled.ts"

export default defineConfig({
  test: {
    include: filesToRun(["test/faults/{faults,elsewhere,power-cut}.rounds.ts"]),
    globalSetup: ["test/support/globalSetup.ts"],
    setupFiles: ["test/support/setup.ts"],
    reporters: ["default", stalled()],
    poolOptions: { forks: { minForks: 3, maxForks: 3 } },
    testTimeout: 120_000
  }
})
