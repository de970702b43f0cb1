import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { QUICK, ratio } from "./measure.mjs"
import { home, PROGRAM, service } from "./place.mjs"
import { demand, kept } from "./talk.mjs"

const ROUNDS = QUICK ? 3 : 11
const KEYS = 1000
const CALLS = QUICK ? 100 : 1000
const ECHO = 22_900

/** A clock in each shell that needs no process: microseconds. */
const CLOCK = {
  bash: `now() { REPLY=\${EPOCHREALTIME/[.,]/}; }`,
  zsh: "zmodload zsh/datetime zsh/net/socket zsh/system; now() { REPLY=$(( int(EPOCHREALTIME * 1000000) )); }; zmodload zsh/mathfunc"
}
const START = { bash: ["bash", "--norc"], zsh: ["zsh", "-f"] }

/** How long `work` takes in a shell, in milliseconds, after `setup` and a first time. */
const inShell = (shell, env, setup, work) => {
  const [program, ...words] = START[shell]
  const text = `${CLOCK[shell]}\n${setup}\nwork() { ${work}\n}\nwork >/dev/null\nnow; before=$REPLY\nwork >/dev/null\nnow; echo $((REPLY - before))`
  return (
    Number(
      execFileSync(program, [...words, "-c", text], { env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })
    ) / 1000
  )
}

/** The wall time of a shell that runs `text`. */
const timed = (shell, env, text) => {
  const [program, ...words] = START[shell]
  const before = performance.now()
  execFileSync(program, [...words, "-c", text], { env, stdio: ["ignore", "ignore", "inherit"] })
  return performance.now() - before
}

const TAB = {
  bash: `COMP_WORDS=(d getPort --key ""); COMP_CWORD=3; __d_complete; [ \${#COMPREPLY[@]} -ge 1000 ] || exit 9`,
  zsh: `__dport_complete getPort --key "" || exit 9; lines=("\${(@f)REPLY}"); found=("\${(@)lines%%$'\\t'*}"); shown=("\${(@)lines#*$'\\t'}"); (( $#found >= 1000 )) || exit 9`
}
/** An exchange of as many bytes as a Tab, and nothing done with them. */
const LONG = { bash: "printf -v long '%012000d' 0", zsh: `long=\${(l:51000::0:)}` }
const EXCHANGE = {
  bash: `{ printf 'GET /%s HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' "$long" >&3; LC_ALL=C read -r -N 99999 text <&3; } 3<>/dev/tcp/127.0.0.1/${ECHO}; [ \${#text} -gt 12000 ] || exit 9`,
  zsh: `zsocket $ECHO_SOCKET; fd=$REPLY; print -ru $fd -- "{\\"pad\\":\\"$long\\"}"; text=; while sysread -i $fd -s 65536 chunk; do text+=$chunk; done; exec {fd}>&-; [ \${#text} -gt 51000 ] || exit 9`
}
const LOOP = `i=0; while [ $i -lt ${CALLS} ]; do dport app7-dev; i=$((i+1)); done; [ -n "$REPLY" ] || exit 9`
const BARE = {
  bash: `i=0; while [ $i -lt ${CALLS} ]; do { printf 'GET /api/ports/app7-dev HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3; read -r -N 99999 text <&3; } 3<>/dev/tcp/127.0.0.1/${ECHO}; i=$((i+1)); done`,
  zsh: `i=0; while [ $i -lt ${CALLS} ]; do zsocket $ECHO_SOCKET; fd=$REPLY; print -ru $fd -- '{"command":"getPort","key":"app7-dev"}'; sysread -i $fd text; exec {fd}>&-; i=$((i+1)); done`
}

/** Measures the functions for bash and zsh. */
export const shellRows = async () => {
  const place = home({ http: "on" })
  const bin = join(place.directory, "bin")
  mkdirSync(bin)
  writeFileSync(join(bin, "d"), `#!/bin/sh\nexec ${process.execPath} ${PROGRAM} "$@"\n`, { mode: 0o755 })
  const env = { ...place.env, PATH: `${bin}:${place.env.PATH}`, ECHO_SOCKET: join(place.directory, "echo.sock") }
  await service(process.execPath, [PROGRAM, "daemon"], env)
  const connection = await kept(place.socket)
  for (let at = 0; at < KEYS / 2; at += 50)
    await demand(connection, "allocate", { app: Array.from({ length: 50 }, (_, each) => `app${at + each}`) })
  await service(process.execPath, [resolve("test/bench/httpEcho.mjs"), String(ECHO)])
  await service(process.execPath, [resolve("test/bench/echo.mjs"), env.ECHO_SOCKET])
  while ((await demand(connection, "status", {})).http?.address == null) await sleep(50)
  const rows = []
  for (const shell of ["bash", "zsh"]) {
    const made = (name, words) => {
      const file = join(place.directory, `${shell}-${name}`)
      writeFileSync(file, execFileSync(join(bin, "d"), [...words, shell], { env }))
      return file
    }
    const completions = made("completions", ["completions"])
    const functions = made("functions", ["shell"])
    // zsh has the function of its completion system only in an interactive shell.
    const compdef = shell === "zsh" ? "compdef() { :; }; " : ""
    const setup = `${compdef}source ${completions}; source ${functions}`
    const each = (figures) => ({ ...figures, ours: figures.ours / CALLS, floor: figures.floor / CALLS })
    const measured = async (ours, floor) =>
      ratio(
        ROUNDS,
        async () => ours(),
        async () => floor()
      )
    rows.push(
      {
        what: `${shell} that sources the completions and \`d shell\``,
        against: `${shell} that sources nothing`,
        ...(await measured(
          () => timed(shell, env, setup),
          () => timed(shell, env, `${compdef}:`)
        )),
        reach: 3,
        aim: 2
      },
      {
        what: `one Tab with ${KEYS.toLocaleString("en")} keys, ${shell}`,
        against: "a bare exchange of as many bytes",
        ...(await measured(
          () => inShell(shell, env, setup, TAB[shell]),
          () => inShell(shell, env, LONG[shell], EXCHANGE[shell])
        )),
        reach: 10,
        aim: 5
      },
      {
        what: `\`dport\` in a loop of ${CALLS.toLocaleString("en")}, ${shell}, each`,
        against: shell === "bash" ? "a bare exchange with node:http" : "a bare exchange with an echo server in Node",
        ...each(
          await measured(
            () => inShell(shell, env, setup, LOOP),
            () => inShell(shell, env, "", BARE[shell])
          )
        ),
        reach: 6,
        aim: 3
      }
    )
  }
  return rows
}
