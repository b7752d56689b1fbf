import { object, required, withDefault } from '../../settings/schema/schema-object.ts'
import { choice, path } from '../../settings/schema/schema-scalars.ts'
import { showSize, size } from '../../settings/schema/schema-units.ts'
import { refine, reportInvalid, type Schema } from '../../settings/schema/schema.ts'
import { type UpstreamCommon, upstreamCommonFields } from '../../settings/sections/upstream-common.ts'

export interface FileConfig {
  /** Made if it does not exist. */
  readonly directory: string
  /** A file that has reached this size is followed by a new one. */
  readonly rotateBytes?: number
  /** Size of all files together; beyond it the oldest ones are deleted. */
  readonly maxBytes?: number
}

export interface FileUpstream extends UpstreamCommon, Required<FileConfig> {
  protocol: 'file'
}

export const DEFAULT_ROTATE_BYTES = 64 * 1024 ** 2
export const DEFAULT_MAX_BYTES = 1024 ** 3

const fields = object<FileUpstream>({
  protocol: required('protocol', choice(['file']), 'A journal on this machine: one JSON object a line.'),
  directory: required('directory', path(), 'Where the journal is kept.'),
  rotateBytes: withDefault(
    'rotate',
    size(64 * 1024),
    showSize(DEFAULT_ROTATE_BYTES),
    'A new file is begun at this size.',
  ),
  maxBytes: withDefault(
    'maxBytes',
    size(128 * 1024),
    showSize(DEFAULT_MAX_BYTES),
    'Size of all files; beyond it the oldest goes, counted.',
  ),
  ...upstreamCommonFields,
})

/** Rotating files of JSON lines on this machine. */
export const fileUpstreamSchema: Schema<FileUpstream> = refine(fields, (value, node, field, context) => {
  if (value.maxBytes >= 2 * value.rotateBytes) return value
  return reportInvalid(context, node, field, 'a maxBytes of at least twice rotate')
})
