import type { CommandSpec, OptionSpec } from "../commands/CommandSpec.ts"

/** The forms of a command, by its usage: which options go together, and which of them must be given. */

/** Options of which one is given at most; `required`: and one at least. */
export interface Group {
  readonly options: ReadonlyArray<OptionSpec>
  readonly required: boolean
}

export interface Form {
  /** As the help shows it. */
  readonly usage: string
  /** The choice that the form begins with, of a command that has some. */
  readonly action: string | undefined
  /** Whether the argument without an option is given. */
  readonly operand: "needed" | "optional" | "none"
  readonly groups: ReadonlyArray<Group>
}

/** What may be left out, or an option with its value, or a word. */
const PART = /\[([^\]]*)\]|(--[a-z-]+)(?: [A-Z]\S*| [a-z]+(?:\|[a-z]+)+)?|\S+/g
/** The options of the first form, all of which may be left out. */
const OTHERS = "OPTION"

const optionsIn = ({ options }: CommandSpec, text: string): ReadonlyArray<OptionSpec> =>
  [...text.matchAll(/--([a-z-]+)/g)].flatMap(([, name]) => options.find((each) => each.name === name) ?? [])

const groupsIn = (command: CommandSpec, usage: string): ReadonlyArray<Group> =>
  [...usage.matchAll(PART)].flatMap(([, optional, required]) => {
    if (optional === OTHERS) return groupsIn(command, command.usage[0] ?? "")
    const options = optionsIn(command, optional ?? required ?? "")
    return options.length === 0 ? [] : [{ options, required: required !== undefined }]
  })

/** The options of which one must be given, although the usage has each of them as one that may be left out. */
const neededBy = ({ needs, options }: CommandSpec): ReadonlyArray<string> =>
  needs ?? options.find(({ standsFor }) => standsFor)?.standsFor ?? []

/** Makes one required group of the options of which one must be given, unless the form requires one anyway. */
const withNeeded = (command: CommandSpec, groups: ReadonlyArray<Group>): ReadonlyArray<Group> => {
  const isNeeded = ({ options }: Group) => options.some(({ name }) => neededBy(command).includes(name))
  const needed = groups.filter(isNeeded)
  return needed.length === 0 || needed.some(({ required }) => required)
    ? groups
    : [
        { options: needed.flatMap(({ options }) => options), required: true },
        ...groups.filter((each) => !isNeeded(each))
      ]
}

const operandIn = ({ operand }: CommandSpec, usage: string): Form["operand"] => {
  const rest = usage.replaceAll(/--[a-z-]+ [A-Z]\S*/g, "")
  if (operand === undefined || !rest.includes(operand.name)) return "none"
  return rest.includes(`[${operand.name}`) ? "optional" : "needed"
}

/** Returns the forms of `command`. Options that no usage names go with each of them. */
export const formsOf = (command: CommandSpec): ReadonlyArray<Form> => {
  const { operand, options, usage } = command
  const named = new Set(usage.flatMap((each) => optionsIn(command, each)))
  const others = options
    .filter((option) => !named.has(option) && option.standsFor === undefined && option.name !== "json")
    .map((option): Group => ({ options: [option], required: false }))
  const choices = operand?.type === "choice" ? operand.choices : []
  return usage.map((each) => ({
    usage: each,
    action: choices.find((choice) => each.split(" ")[0] === choice),
    operand: operandIn(command, each),
    groups: [...withNeeded(command, groupsIn(command, each)), ...others]
  }))
}
