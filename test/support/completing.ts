import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import type { Shell } from "../../src/commands/shell.ts"
import type { Machine } from "./cli.ts"
import { until } from "./doctor.ts"
import { temporary } from "./root.ts"
import { shellOnTerminal } from "./shellOnTerminal.ts"

/** What a user has in the file that the shell reads first. The key that lists what may be completed is Ctrl-X l. */
const FIRST: Readonly<Record<Shell, string>> = {
  bash: `PS1=ready:
bind '"\\C-xl": possible-completions'
bind 'set completion-query-items 0'
bind 'set page-completions off'
bind 'set enable-bracketed-paste off'
bind 'set bell-style none'`,
  zsh: `PS1=ready: LISTMAX=100000
autoload -Uz compinit && compinit -u -D
bindkey -e
bindkey '^Xl' list-choices`,
  fish: `function fish_prompt; echo -n ready:; end
bind \\cxl complete
bind \\cxk 'commandline ""'`
}

const STARTS: Readonly<Record<Shell, (place: string) => string>> = {
  bash: (place) => `exec bash --rcfile ${place}/.zshrc -i`,
  zsh: (place) => `ZDOTDIR=${place} exec zsh -d -i -o no_prompt_sp -o no_prompt_cr`,
  fish: (place) => `exec fish --no-config -i -C 'source ${place}/.zshrc'`
}

/** A shell at whose prompt somebody presses Tab. */
export interface Completing {
  /** Types a line, has the shell list what may be completed, and returns what it shows. */
  readonly listed: (line: string) => Promise<string>
  /** Types a line and Tab, then Return, and returns what is shown. */
  readonly tabbed: (line: string) => Promise<string>
}

/** Opens a terminal with a shell that has `setup` after what a user has. */
export const openCompleting = async (box: Machine, shell: Shell, setup: string): Promise<Completing> => {
  const place = temporary()
  writeFileSync(join(place, ".zshrc"), `${FIRST[shell]}\n${setup}\n`)
  const { child } = shellOnTerminal(box, box.home, `stty -echo columns 200 rows 100; ${STARTS[shell](place)}`)
  let shown = ""
  child.stdout.on("data", (chunk) => (shown += chunk))
  let count = 0
  const text = () => stripVTControlCharacters(shown.replaceAll("\r", ""))
  const sees = (wanted: string) =>
    until(
      async () => text(),
      (now) => now.includes(wanted),
      20
    )
  /** Ends what is typed with a command whose output cannot be taken for the command. */
  const upTo = async (keys: string): Promise<string> => {
    shown = ""
    const end = `end${++count}`
    child.stdin.write(`${keys}echo e''${end.slice(1)}\r`)
    const [before = ""] = (await sees(`${end}\n`)).split(`${end}\n`)
    return before
  }
  await sees("ready:")
  const cancel = shell === "fish" ? "\x18k" : "\x01\x0b"
  return {
    listed: (line) => upTo(`${line}\x18l${cancel}`),
    tabbed: (line) => upTo(`${line}\t\r`)
  }
}
