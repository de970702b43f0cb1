/** What a command did, or would do, to a file of the user's. */
export type FileChange = "made" | "changed" | "removed" | "kept" | "none"
