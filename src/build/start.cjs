// The last lines of dist/d.cjs, after loader.cjs.
try {
  load("client.cjs")
} catch (error) {
  // What reports all other errors is in that part.
  if (error.path !== join(directory, "client.cjs") && !(error instanceof SyntaxError)) throw error
  const message = `d cannot load its own files: ${error.message.split("\n")[0]}`
  const hint = "run it again if d is being installed; otherwise install d again"
  const lines = process.argv.includes("--json")
    ? [JSON.stringify({ error: { code: "unavailable", message, hint } })]
    : [`error: ${message}`, `hint: ${hint}`]
  console.error(lines.join("\n"))
  process.exitCode = 3
}
