import { isAbsolute, join } from "node:path"
import type { Shell } from "../commands/shell.ts"
import type { Environment } from "../domain/Environment.ts"
import { home } from "../machine/user.ts"
import { shellWord } from "../text/shell.ts"
import { bashCompletions } from "./bash.ts"
import { fishCompletions } from "./fish.ts"
import { zshCompletions } from "./zsh.ts"

/** Where each shell looks for the completions of a user, and what is there. */

export interface CompletionFile {
  readonly shell: Shell
  readonly file: string
  readonly text: string
  /** Directories that go with it if they are empty, the lowest first. */
  readonly directories: ReadonlyArray<string>
  /** What the shell needs besides. */
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
  const absolute = (name: string): string | undefined => {
    const path = environment[name]
    return path !== undefined && isAbsolute(path) ? path : undefined
  }
  const base = absolute("HOME") ?? home()
  const data = absolute("XDG_DATA_HOME") ?? join(base, ".local/share")
  const text = completionsFor(shell)
  switch (shell) {
    case "bash": {
      const own = absolute("BASH_COMPLETION_USER_DIR")
      const place =
        own === undefined
          ? filesBelow(data, "bash-completion", "completions", "d")
          : filesBelow(own, "completions", "d")
      return { shell, ...place, text, needs: "bash needs the package bash-completion, which loads it in new shells" }
    }
    case "zsh": {
      const place = filesBelow(data, "zsh", "site-functions", "_d")
      const [directory = ""] = place.directories
      const line = `fpath=(${shellWord(directory)} $fpath)`
      return { shell, ...place, text, needs: `zsh needs this line in ~/.zshrc, before compinit: ${line}` }
    }
    case "fish": {
      const config = absolute("XDG_CONFIG_HOME") ?? join(base, ".config")
      return { shell, ...filesBelow(config, "fish", "completions", "d.fish"), text, needs: "fish loads it by itself" }
    }
  }
}
