/** Returns the URL of a port on this host. */
export const portUrl = (
  port: number,
  { https = false, path = "" }: { readonly https?: boolean | undefined; readonly path?: string | undefined } = {}
): string => `${https ? "https" : "http"}://localhost:${port}${path === "" || path.startsWith("/") ? path : `/${path}`}`
