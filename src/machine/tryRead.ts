/** What `read` answers, or `otherwise` where it may not or there is nothing: processes come and go while they are read. */
export const tryRead = <A>(read: () => A, otherwise: A): A => {
  try {
    return read()
  } catch {
    return otherwise
  }
}
