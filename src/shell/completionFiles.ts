import { isAbsolute, join } from "node:path"
import type { Shell } from "../commands/shell.ts"
import type { Environment } from "../domain/Environment.ts"
import { xdgDirectory } from "../machine/user.ts"
import { shellWord } from "../text/shell.ts"
import { bashCompletions } from "./bash.ts"
import { fishCompletions } from "./fish.ts"
import { zshCompletions } from "./zsh.ts"

/** The files from which each shell loads the completions of a user. */

export interface CompletionFile {
  readonly shell: Shell
  readonly file: string
  readonly text: string
  /** Directories that go with it if they are empty, the lowest first. */
  readonly directories: ReadonlyArray<string>
  /** A sentence that says what the shell needs beside the file. */
  readonly needs: string
}

/** Returns the text of the completions for a shell. */
export const completionsFor = (shell: Shell): string =>
  ({ bash: bashCompletions, zsh: zshCompletions, fish: fishCompletions })[shell]

const filesBelow = (base: string, ...names: ReadonlyArray<string>) => ({
  file: join(base, ...names),
  directories: names.slice(0, -1).map((_, at) => join(base, ...names.slice(0, names.length - 1 - at)))
})

/** Returns the file of a shell. */
export const completionFile = (shell: Shell, environment: Environment): CompletionFile => {
  const data = xdgDirectory(environment, "data")
  const text = completionsFor(shell)
  switch (shell) {
    case "bash": {
      const own = environment["BASH_COMPLETION_USER_DIR"] ?? ""
      const place = isAbsolute(own)
        ? filesBelow(own, "completions", "d")
        : filesBelow(data, "bash-completion", "completions", "d")
      return { shell, ...place, text, needs: "bash needs the package bash-completion, which loads it in new shells" }
    }
    case "zsh": {
      const place = filesBelow(data, "zsh", "site-functions", "_d")
      const [directory = ""] = place.directories
      const line = `fpath=(${shellWord(directory)} $fpath)`
      return { shell, ...place, text, needs: `zsh needs this line in ~/.zshrc, before compinit: ${line}` }
    }
    case "fish": {
      const config = xdgDirectory(environment, "config")
      return { shell, ...filesBelow(config, "fish", "completions", "d.fish"), text, needs: "fish loads it on its own" }
    }
  }
}
