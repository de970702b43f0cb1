import { spawn } from "node:child_process"
import { RUN_MARK } from "../domain/names.ts"

/**
 * Waits for a line on its standard input. If that ends without one, its parent was killed: it ends all processes with the mark
 * in their environment, first with TERM, and after two seconds with KILL.
 */
const SCRIPT = `
read -r line && exit
for signal in TERM KILL; do
  found=
  for file in /proc/[0-9]*/environ; do
    if tr '\\0' '\\n' <"$file" 2>/dev/null | grep -q "^${RUN_MARK}=.*$0"; then
      pid=\${file#/proc/}
      kill -$signal "\${pid%/environ}" 2>/dev/null && found=1
    fi
  done
  [ -n "$found" ] || exit
  [ $signal = KILL ] || sleep 2
done
`

/**
 * Starts a process that ends the processes with \`mark\` if this process is killed with a signal that it cannot handle. It is a
 * shell, because another Node would double the cost of a start. Returns the function that ends it.
 */
export const startWatchdog = (mark: string): (() => void) => {
  if (process.platform !== "linux") return () => {}
  // In a session of its own, where no signal of the terminal reaches it; and unmarked, so that it does not end itself.
  const { [RUN_MARK]: _, ...env } = process.env
  const dog = spawn("sh", ["-c", SCRIPT, mark], { detached: true, stdio: ["pipe", "ignore", "ignore"], env, cwd: "/" })
  dog.on("error", () => {})
  dog.stdin.on("error", () => {})
  dog.unref()
  return () => void dog.stdin.end("ended\n")
}
