import type { Target } from "./Target.ts"

/** The file of host names, for programs that do not know that *.localhost is this machine, and for other domains. */
export const hosts: Target = {
  title: "the hosts file",
  file: "/etc/hosts",
  isShared: true,
  takesPort: false,
  lines: ({ ports }) => ports.map(({ name }) => `127.0.0.1 ${name}`),
  // Without a proxy the name stands for the machine alone.
  url: (name, app) => `http://${name}:${app}`,
  include: undefined,
  reload: undefined
}
