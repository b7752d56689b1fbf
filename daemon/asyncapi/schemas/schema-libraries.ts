import { createRequire } from 'node:module'
import type * as Ajv from 'ajv'
import type formats from 'ajv-formats/dist/formats.js'
import type * as Ajv2019 from 'ajv/dist/2019.js'
import type * as Ajv2020 from 'ajv/dist/2020.js'
import type * as Re2js from 're2js'

export interface SchemaLibraries {
  ajv: typeof Ajv
  ajv2019: typeof Ajv2019
  ajv2020: typeof Ajv2020
  formats: typeof formats
  re2js: typeof Re2js
}

let loaded: SchemaLibraries | undefined

/**
 * What compiles schemas: a hundred modules, loaded when the first schema is compiled. A start that loaded them before it accepts
 * devices would take 60 ms of processor time more, and again on the forwarder's thread, which compiles none.
 */
export function schemaLibraries(): SchemaLibraries {
  if (loaded !== undefined) return loaded
  const require = createRequire(import.meta.url)
  loaded = {
    ajv: require('ajv'),
    ajv2019: require('ajv/dist/2019.js'),
    ajv2020: require('ajv/dist/2020.js'),
    formats: require('ajv-formats/dist/formats.js'),
    re2js: require('re2js'),
  }
  return loaded
}
