/** A running container, as its engine describes it. */
export interface Container {
  /** The first 12 digits of its id. */
  readonly id: string
  readonly name: string | null
  readonly image: string | null
  /** Its compose project, its service in it, and the directory of the project if that identifies one: a home does not. */
  readonly project: string | null
  readonly service: string | null
  readonly directory: string | null
  /** The words that a command for its engine begins with: `docker`, and which socket if it is not the usual one. */
  readonly cli: ReadonlyArray<string>
}

/** The names that an engine allows. Another one may come from a program that is no engine, and goes into no command. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** Returns what a command calls a container: its name, or its id. */
export const nameInCommand = ({ id, name }: Container): string => (name !== null && NAME.test(name) ? name : id)

/** Returns an image as people call it, without its digest and Docker's own registry; undefined if it has only an id. */
export const imageName = ({ image }: Container): string | undefined => {
  const name = image?.replace(/@.*$/s, "").replace(/^docker\.io\/(library\/)?/, "") ?? ""
  return name === "" || /^(sha256:)?[0-9a-f]{12,64}$/.test(name) ? undefined : name
}
