import { defineConfig } from "vitest/config"

/**
 * Tests allocate ports of one machine: side by side they would see each other's. These have ranges of their own, so that
 * they can run beside all others.
 */
const APART = [
  "test/proof/*.test.ts",
  "test/mariadb/{hostile-globals,node,trouble,second-writer}.test.ts",
  "test/e2e/{backup,code-cache,daemon,daemon-lock,driver,entry,fast-path,foreign-replies,foreign-words,garbage,leftovers,lifetime,lock,other-users,package,recorded,reinstalled,replaced,storage,versions}.test.ts",
  "test/{grouped,kept-state,model,patience,replies,rooms,server,servers,sockets,transaction}.test.ts",
  "test/domain/*.test.ts"
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
    globalSetup: ["test/support/setup.ts"],
    projects: [lane("one range", "threads", ["test/**/*.test.ts"], APART), lane("apart", "forks", APART)]
  }
})
