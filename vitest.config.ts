import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/setup.ts"],
    // Tests allocate ports of one machine: side by side they would see each other's.
    fileParallelism: false,
    testTimeout: 120_000
  }
})
