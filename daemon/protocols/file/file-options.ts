export interface FileConfig {
  /** Made if it does not exist. */
  readonly directory: string
  /** A file that has reached this size is followed by a new one. */
  readonly rotateBytes?: number
  /** The oldest files are deleted beyond this size of all files together. */
  readonly maxBytes?: number
}

export const DEFAULT_ROTATE_BYTES = 64 * 1024 ** 2
export const DEFAULT_MAX_BYTES = 1024 ** 3
