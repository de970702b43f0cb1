import { describe, expect, it } from "vitest"
import { commandList, findCommand } from "../../src/commands/commands.ts"
import { formsOf } from "../../src/wizard/forms.ts"

/** The forms of a command in short: a required group between parentheses, another one between brackets. */
const shown = (name: string): ReadonlyArray<string> => {
  const command = findCommand(name)
  return (command === undefined ? [] : formsOf(command)).map(({ action, groups, operand }) =>
    [
      ...(action === undefined ? [] : [action]),
      ...(operand === "none" ? [] : [operand]),
      ...groups.map(({ options, required }) => {
        const names = options.map((option) => option.name).join("|")
        return required ? `(${names})` : `[${names}]`
      })
    ].join(" ")
  )
}

describe("the forms of a command", () => {
  it.each([
    ["allocate", ["(app|special) [description] [dir|no-dir] [dry-run]"]],
    ["getPort", ["(key) [allocate|cached]", "(app) (mode) [allocate|cached]"]],
    ["setPort", ["(key) (value) [description] [dir] [force]", "(key) [description] [dir]"]],
    ["pin", ["(key|app)"]],
    ["backup", ["needed"]],
    ["help", ["optional"]],
    ["import", ["needed [from] [on-conflict] [dry-run]", "(scan) [range] [yes] [dry-run]"]],
    ["rename", ["(key) (to)", "(app) (to)"]],
    ["history", ["[key|app|port] [since] [host] [limit]", "(number)", "(trim)"]],
    ["worktree", ["list [dir]", "install [dir] [dry-run]", "uninstall [dir] [dry-run]", "setup [dir]"]],
    [
      "proxy",
      [
        "render (for) [domain] [port]",
        "diff (for) [domain] [port] [file|live]",
        "apply (for) [domain] [port] [file|live] [force] [dry-run]"
      ]
    ],
    ["watch", ["[app] [health] [interval]", "(once) [app] [health]", "(json) [app] [interval]"]]
  ])("of %s are those of its usage", (name, forms) => {
    expect(shown(name)).toEqual(forms)
  })

  it("have the options that the usage calls OPTION, and those that it does not name", () => {
    expect(shown("env")[1]).toBe("(write) [if-present] [check] [key|app] [mode] [env] [format] [dir] [no-dir]")
    expect(shown("run")[1]).toBe("needed (key) [env] [host] [no-inject] [takeover] [wait] [timeout]")
  })

  it.each(commandList.map((command) => [command.name, command] as const))(
    "of %s have each of its options, and no name that is none",
    (_, command) => {
      const forms = formsOf(command)
      const offered = new Set(
        forms.flatMap(({ groups }) => groups.flatMap(({ options }) => options.map(({ name }) => name)))
      )
      // What stands for another option adds nothing.
      const asked = command.options.flatMap(({ name, standsFor }) => (standsFor === undefined ? [name] : []))
      expect(new Set([...offered, "json"])).toEqual(new Set([...asked, "json"]))
      for (const usage of command.usage)
        for (const [, name] of usage.matchAll(/--([a-z-]+)/g))
          expect(command.options).toContainEqual(expect.objectContaining({ name }))
    }
  )

  it("require what the command requires", () => {
    for (const command of commandList)
      for (const { groups } of formsOf(command))
        for (const option of command.options.filter(({ required }) => required))
          expect(groups, command.name).toContainEqual({ options: [option], required: true })
  })
})
