/** Returns the result of `read`, or `otherwise` if it throws: no permission, or a process that has just ended. */
export const tryRead = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}
