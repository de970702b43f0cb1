// Makes the pictures of the documents from what the built program shows on a terminal: docs/pictures/*.svg, or in the
// directory that is named. They suit light and dark pages. Needs Linux and its `script`, and the first ports of the ranges.
import { execFileSync, spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { d, end, env, HOME, onStage, PROGRAM, SHOWN_HOME, serve, startDaemon, until } from "./stage.mjs"

const OUTPUT = process.argv[2] ?? "docs/pictures"
const COLUMNS = 88

/** What the terminal gets from `d` with these words. */
const onTerminal = (words) => {
  const line = `stty columns ${COLUMNS} rows 50; ${process.execPath} ${PROGRAM} ${words}`
  const text = execFileSync("script", ["--quiet", "--command", line, "/dev/null"], { env, encoding: "utf8", cwd: HOME })
  return text.replaceAll("\r\n", "\n").replaceAll(HOME, SHOWN_HOME).trimEnd()
}

const ESC = "\u001b["

const CLASSES = { 1: "bold", 2: "dim", 31: "red", 32: "green", 33: "yellow", 36: "cyan" }

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

/** The spans of a line, from its colours: each begins with an escape sequence. */
const spansOf = (line) => {
  const [start, ...spans] = line.split("\u001b[")
  const drawn = spans.map((span) => {
    const [code] = span.split("m", 1)
    const text = escaped(span.slice(code.length + 1))
    return CLASSES[code] && text !== "" ? `<tspan class="${CLASSES[code]}">${text}</tspan>` : text
  })
  return escaped(start) + drawn.join("")
}

const STYLE = `text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#1f2328}
rect{fill:#f6f8fa;stroke:#d1d9e0}.bold{font-weight:bold}.dim{fill:#818b98}.red{fill:#cf222e}.green{fill:#1a7f37}.yellow{fill:#9a6700}.cyan{fill:#0b7285}
@media(prefers-color-scheme:dark){text{fill:#d1d7e0}rect{fill:#151b23;stroke:#3d444d}.dim{fill:#7d8590}.red{fill:#ff7b72}.green{fill:#3fb950}.yellow{fill:#d29922}.cyan{fill:#56d4dd}}`

const CHARACTER = 8.4
const LINE = 20
const MARGIN = 16

/** Draws the text of a terminal. Each line has its length, so that columns are aligned whatever the font. */
const picture = (title, text) => {
  const lines = text.split("\n")
  const width = Math.round(COLUMNS * CHARACTER + 2 * MARGIN)
  const height = lines.length * LINE + 2 * MARGIN
  const drawn = lines.map((line, at) => {
    const { length } = stripVTControlCharacters(line)
    const place = `x="${MARGIN}" y="${MARGIN + 15 + at * LINE}" textLength="${Math.round(length * CHARACTER)}"`
    return length === 0 ? "" : `<text ${place} xml:space="preserve">${spansOf(line)}</text>\n`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>
${drawn.join("")}</svg>
`
}

/** Runs `d` with these words on a terminal of so many rows, ends it with q, and returns its first frame. */
const frameOf = async (words, rows) => {
  const line = `stty columns ${COLUMNS} rows ${rows}; exec ${process.execPath} ${PROGRAM} ${words}`
  const child = spawn("script", ["--quiet", "--command", line, "/dev/null"], {
    env,
    cwd: HOME,
    stdio: ["pipe", "pipe", "inherit"]
  })
  let shown = ""
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    const isDrawn = shown.includes(`${ESC}?2026l`)
    shown += chunk
    if (!isDrawn && shown.includes(`${ESC}?2026l`)) child.stdin.write("q")
  }
  const frame = shown.split(`${ESC}?2026h`)[1]?.split(`${ESC}?2026l`)[0] ?? ""
  const lines = Array.from({ length: rows }, () => "")
  for (const part of frame
    .replaceAll(`${ESC}K`, "")
    .split(/\[(?=\d+H)/)
    .slice(1)) {
    const [row, ...text] = part.split("H")
    const line = text.join("H")
    // The next part begins with an escape, which split leaves here.
    lines[Number(row) - 1] = line.endsWith(ESC.slice(0, 1)) ? line.slice(0, -1) : line
  }
  return lines.join("\n").replaceAll(HOME, SHOWN_HOME)
}

const write = (name, text = onTerminal(name)) =>
  writeFileSync(join(OUTPUT, `${name}.svg`), picture(`d ${name} on a terminal`, `$ d ${name}\n${text}`))

mkdirSync(OUTPUT, { recursive: true })
await onStage(async () => {
  const portOf = (key) => d("getPort", "--key", key).trim()
  const directory = join(HOME, "shop")
  mkdirSync(directory)
  d("allocate", "--app", "cad", "--description", "CAD app")
  d("allocate", "--app", "shop", "--description", "Web shop", "--dir", directory)
  d("allocate", "--special", "loom-stream", "--description", "Video of the loom")
  const stream = await serve("node", "loom", portOf("loom-stream"))
  await serve("next-server", "cad", portOf("cad-prod"))
  await serve("vite", "cad", portOf("cad-dev"))
  // Started in the wrong directory.
  await serve("vite", "blog", portOf("shop-dev"))
  startDaemon()
  await until(/^loom-stream .* up /m, "listPorts", "--health", "up")
  await until(/loom-stream is up|up since/, "explain", "--key", "loom-stream")
  await end(stream)
  await until(/ down since /, "explain", "--key", "loom-stream")
  write("listPorts")
  write("doctor")
  write("watch", await frameOf("watch", 10))
})
