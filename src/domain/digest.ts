/** Returns six letters and digits that depend on `text` (FNV-1a). Loading `node:crypto` would slow down every start. */
export const digest = (text: string): string => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash.toString(36).padStart(6, "0").slice(-6)
}
