import { execFileSync } from "node:child_process"
import { ensure } from "./programs.ts"
import { once, temporary } from "./root.ts"

once("installation of git", () => ensure(["git"], ["git"]))

/** What git needs to commit, whatever this machine's configuration is. */
export const gitEnv = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "me",
  GIT_AUTHOR_EMAIL: "me@x",
  GIT_COMMITTER_NAME: "me",
  GIT_COMMITTER_EMAIL: "me@x"
}

/** Runs git in `cwd`, whatever this machine's configuration is. */
export const git = (cwd: string, ...words: ReadonlyArray<string>) =>
  execFileSync("git", ["-c", "protocol.file.allow=always", ...words], {
    cwd,
    env: { ...process.env, ...gitEnv },
    stdio: ["ignore", "pipe", "pipe"]
  })

/** A repository with one commit. */
export const repository = (): string => {
  const root = temporary()
  git(root, "init", "-q")
  git(root, "commit", "-q", "--allow-empty", "-m", "first")
  return root
}
