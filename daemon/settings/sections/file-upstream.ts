import { object, required, withDefault } from '../schema/schema-object.ts'
import { choice, path } from '../schema/schema-scalars.ts'
import { size } from '../schema/schema-units.ts'
import { refine, reportInvalid, type Schema } from '../schema/schema.ts'
import { type UpstreamCommon, upstreamCommonFields } from './upstream-common.ts'

export interface FileUpstream extends UpstreamCommon {
  protocol: 'file'
  directory: string
  rotateBytes: number
  maxBytes: number
}

const fields = object<FileUpstream>({
  protocol: required('protocol', choice(['file']), 'A journal on this machine: one JSON object a line.'),
  directory: required('directory', path(), 'Where the journal is kept.'),
  rotateBytes: withDefault('rotate', size(64 * 1024), '64MiB', 'A new file is begun at this size.'),
  maxBytes: withDefault('maxBytes', size(128 * 1024), '1GiB', 'Size of all files; beyond it the oldest goes, counted.'),
  ...upstreamCommonFields,
})

/** The embedded destination: rotating files of JSON lines. */
export const fileUpstreamSchema: Schema<FileUpstream> = refine(fields, (value, node, field, context) => {
  if (value.maxBytes >= 2 * value.rotateBytes) return value
  return reportInvalid(context, node, field, 'a maxBytes of at least twice rotate')
})
