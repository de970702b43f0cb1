import { describe, expect, it } from "vitest"
import { runnable } from "../../src/dashboard/fixes.ts"

describe("a fix that the page can run", () => {
  it.each([
    ["d release --app cad", { command: "release", payload: { app: "cad" } }],
    ["d deletePort --key cad-dev", { command: "deletePort", payload: { key: "cad-dev" } }],
    ["d setPort --key a --value 3000", { command: "setPort", payload: { key: "a", value: "3000" } }],
    [
      "d reserve --port 3010 --reason='node in /home/me/my app'",
      { command: "reserve", payload: { port: "3010", reason: "node in /home/me/my app" } }
    ]
  ])("is one command of the registry: %s", (line, expected) => {
    expect(runnable(line)).toEqual(expected)
  })

  it.each([
    "kill 4711",
    "d release --app loom && d allocate --app loom",
    "d release --app loom; rm -r /",
    "d doctor --fix",
    "d doctor --ignore port-taken --key cad-dev",
    "d daemon start",
    "d release",
    "d release --app",
    "d release --app --force",
    "d release cad",
    "d release --app a --app b",
    "d setPort --key KEY --value 3010",
    `d reserve --port 3010 --reason="$(printf 'a\\033')"`,
    "d reserve --port 3010 --reason='it'\\''s'",
    "sudo d release --app cad",
    "export AUTOMATELINUX_APP_RANGE=3000-4999",
    "sqlite3 ports.sqlite 'DELETE FROM settings'"
  ])("is nothing else: %s", (line) => {
    expect(runnable(line)).toBeUndefined()
  })
})
