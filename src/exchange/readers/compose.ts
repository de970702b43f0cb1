import type { Incoming } from "../../domain/Exchange.ts"
import { parsePort } from "../../domain/names.ts"
import { type Content, type Fields, isObject, type Source, textIn, Unreadable } from "../Source.ts"
import { parseYaml, type Yaml } from "../yaml.ts"

/** A port of a service that is published on the host, as it is written. */
interface Published {
  readonly published: string
  readonly target: string
  readonly protocol: string
}

/** The short form: `[HOST_IP:]PUBLISHED:TARGET[/PROTOCOL]`. */
const SHORT = /^(?:\[.*\]:|\d+(?:\.\d+){3}:)?(?:([^:/]*):)?([^:/]+)(?:\/(\w+))?$/

const publishedIn = (value: unknown): Published | undefined => {
  if (isObject(value)) {
    const { protocol = "tcp", published = "", target = "" } = value
    return { published: String(published), target: String(target), protocol: String(protocol) }
  }
  const found = SHORT.exec(String(value))
  return found === null ? undefined : { published: found[1] ?? "", target: found[2] ?? "", protocol: found[3] ?? "tcp" }
}

const servicesIn = (yaml: Yaml | undefined): Fields | undefined => {
  const services = isObject(yaml?.value) ? yaml.value["services"] : undefined
  return isObject(services) ? services : undefined
}

/** Whether it is a compose file, or what `docker compose config` makes of one. */
export const isCompose = (source: Source): boolean => {
  const services = servicesIn(parseYaml(source))
  return services !== undefined && Object.values(services).every((each) => isObject(each) || each === null)
}

/** Returns why a port of a service cannot be taken. */
const doubtAbout = ({ protocol, published }: Published): string | undefined => {
  if (protocol !== "tcp") return `a ${protocol} port`
  if (published === "") return "published on any free port"
  if (published.includes("$")) return `${published} is a variable: docker compose config | d import - has its value`
  return parsePort(published) === undefined ? `${published} is not a single port` : undefined
}

/** Reads the ports that services publish. A service with several gets a key for each, named by the port inside. */
export const readCompose = (source: Source): Content => {
  const yaml = parseYaml(source)
  const services = servicesIn(yaml)
  if (yaml === undefined || services === undefined)
    throw new Unreadable('has no "services": is it what docker compose config prints?')
  const project = isObject(yaml.value) ? textIn(yaml.value, "name") : undefined
  const assignments: Array<Incoming> = []
  const doubts: Array<string> = []
  for (const [service, fields] of Object.entries(services)) {
    const list = isObject(fields) && Array.isArray(fields["ports"]) ? fields["ports"] : []
    const usable = list.flatMap((value: unknown, index) => {
      const port = publishedIn(value)
      const doubt = port === undefined ? "it cannot be read" : doubtAbout(port)
      const line = yaml.lineAt(["services", service, "ports", index])
      if (port !== undefined && doubt === undefined) return [{ ...port, line }]
      doubts.push(`line ${line}: left out a port of ${service}: ${doubt}`)
      return []
    })
    // The same port on several addresses is one.
    const ports = usable.filter((each, at) => usable.findIndex(({ published }) => published === each.published) === at)
    for (const { line, published, target } of ports) {
      const name = project === undefined ? service : `${project}-${service}`
      assignments.push({ key: ports.length === 1 ? name : `${name}-${target}`, port: published, line })
    }
  }
  return { assignments, doubts }
}
