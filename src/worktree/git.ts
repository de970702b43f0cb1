import { spawnSync } from "node:child_process"
import { CommandFailed } from "../domain/CommandFailed.ts"
import type { Environment } from "../domain/Environment.ts"
import { asTyped } from "../text/escape.ts"
import { shellWord } from "../text/shell.ts"

/** What git answered, or why it refused. */
export type GitAnswer = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string }

/** Runs git in one directory. */
export type Git = (...words: ReadonlyArray<string>) => GitAnswer

/** A list of very many worktrees is longer than Node's limit of a megabyte. */
const OUTPUT_MAX = 256 * 1024 * 1024

/** Variables by which a hook or a script says which repository it is about: here, the directory says it. */
const ABOUT_A_REPOSITORY = /^GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|OBJECT_DIRECTORY|PREFIX)$/

export const gitIn = (directory: string, environment: Environment): Git => {
  const others = Object.entries(environment).filter(([name]) => !ABOUT_A_REPOSITORY.test(name))
  const env = { ...Object.fromEntries(others), LC_ALL: "C" }
  return (...words) => {
    const { error, status, stderr, stdout } = spawnSync("git", words, {
      cwd: directory,
      env,
      encoding: "utf8",
      maxBuffer: OUTPUT_MAX
    })
    if (error !== undefined) {
      const isMissing = "code" in error && error.code === "ENOENT"
      throw new CommandFailed({
        code: "unavailable",
        message: isMissing ? "git was not found" : `git cannot be run: ${error.message}`,
        hint: "install git, or put it on PATH"
      })
    }
    if (status === 0) return { ok: true, text: stdout }
    const fatal = /^(?:fatal|error): (.*)/m.exec(stderr)?.[1]
    return { ok: false, reason: fatal ?? (stderr.trim().split("\n", 1).join("") || `it ended with ${status}`) }
  }
}

/** Returns what git answers, without the last line break, or fails if it refuses. */
export const ask = (git: Git, directory: string, ...words: ReadonlyArray<string>): string => {
  const answer = git(...words)
  if (answer.ok) return answer.text.replace(/\n$/, "")
  const shown = asTyped(directory)
  throw new CommandFailed(
    answer.reason.startsWith("not a git repository")
      ? {
          code: "not-found",
          message: `${shown} is in no git repository`,
          hint: "change to a repository, or name a directory of one with --dir"
        }
      : {
          code: "unavailable",
          message: `git does not read the repository in ${shown}: ${answer.reason}`,
          hint: `git -C ${shellWord(directory)} status says what to do`
        }
  )
}
