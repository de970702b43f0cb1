/** Makes an error as the system's are, for a file that must not be used although the system would permit it. */
export const systemError = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })
