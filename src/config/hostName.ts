import { hostname } from "node:os"

/** A column of 255 characters stores it with the prefix `watched:`. */
export const HOST_MAX = 247

/** Returns the system's name for this host, with invalid characters replaced: Linux allows any bytes. */
export const systemHost = (): string =>
  hostname()
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .slice(0, HOST_MAX) || "localhost"
