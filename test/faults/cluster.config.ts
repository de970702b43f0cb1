import { defineConfig } from "vitest/config"
import { filesToRun, stalled } from "../support/stalled.ts"

export default defineConfig({
  test: {
    // Apart from those of the faults, so that both can run at the same time.
    env: { FAULTS_FIRST: "21000" },
    include: filesToRun(["test/faults/cluster.rounds.ts"]),
    globalSetup: ["test/support/globalSetup.ts", "test/faults/cluster.setup.ts"],
    setupFiles: ["test/support/setup.ts"],
    reporters: ["default", stalled()],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
