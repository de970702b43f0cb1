/** How a command line says which port its program is to use. */
const FIXED = /(?:^|\s)(?:(?:[A-Za-z_]\w*_)?PORT=|(?:-p|--port)(?:\s+|=?))["']?(\d+)(?![\w.:])/g
const VARIABLE = /(?:^|\s)(?:PORT=|(?:-p|--port)(?:\s+|=?))["']?\$/

/** Returns the ports in a command line, each once, and whether it takes one from its environment. */
export const portsInCommand = (command: string) => ({
  ports: [...new Set([...command.matchAll(FIXED)].map(([, port = ""]) => port))],
  fromOutside: VARIABLE.test(command)
})

/** Says what is not clear about the ports of a command line; undefined if there is nothing. */
export const doubtAboutCommand = ({ fromOutside, ports }: ReturnType<typeof portsInCommand>): string | undefined => {
  const [first, ...more] = ports
  if (more.length > 0) return `took ${first} and left out ${more.join(", ")}`
  return fromOutside && first === undefined ? "it gets its port from its environment" : undefined
}
