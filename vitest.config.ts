import { defineConfig } from "vitest/config"

/**
 * Tests allocate ports of one machine: side by side they would see each other's. These have ranges of their own, so that
 * they can run beside all others.
 */
const APART = [
  "test/faults/*.test.ts",
  "test/{config,domain,socket,text}/*.test.ts",
  "test/rooms.test.ts",
  "test/daemon/server.test.ts",
  "test/machine/procNetTcp.test.ts",
  "test/registry/model.test.ts",
  "test/store/{groupCommit,kept-state,retry,transaction}.test.ts",
  "test/store/mysql/{concurrent-writer,database-errors,failover,galera-node,hostile-globals}.test.ts",
  "test/e2e/{backup,cleanup,code-cache,daemon,daemon-lock,driver,fast-path,foreign-replies,fuzz,lifetime,lock,other-users,package,permissions,recorded,reinstalled,replaced,storage,terminal-escapes,versions}.test.ts"
]

/** Files that run one after the other. Two lanes with pools of different kinds run at the same time. */
const lane = (
  name: string,
  pool: "forks" | "threads",
  include: ReadonlyArray<string>,
  exclude: ReadonlyArray<string> = []
) => ({
  test: { name, pool, include: [...include], exclude: [...exclude], fileParallelism: false, testTimeout: 120_000 }
})

export default defineConfig({
  test: {
    globalSetup: ["test/support/globalSetup.ts"],
    projects: [lane("one range", "threads", ["test/**/*.test.ts"], APART), lane("apart", "forks", APART)]
  }
})
