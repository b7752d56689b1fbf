import type { types, Type } from 'avsc'

interface AvroField {
  readonly name: string
  readonly type: AvroType
  readonly hasDefault: boolean
  defaultValue(): unknown
}

/** A type of an Avro schema, in the form that the readers need. */
export interface AvroType {
  /** null, boolean, int, long, float, double, bytes, string, fixed, enum, array, map, record or union. */
  readonly kind: string
  /** The name of the type in the JSON encoding of a union. */
  readonly branch: string
  readonly size: number
  readonly symbols: readonly string[]
  /** The fields of a record; a function, because a record may contain itself. */
  fields(): readonly AvroField[]
  /** The item type of an array or map. */
  items(): AvroType | undefined
  /** The branches of a union. */
  branches(): readonly AvroType[]
}

/** The types of one schema, each converted once. */
export class AvroTypes {
  private readonly converted = new Map<Type, AvroType>()

  of(type: Type): AvroType {
    const known = this.converted.get(type)
    if (known !== undefined) return known
    const converted = this.convert(type)
    this.converted.set(type, converted)
    return converted
  }

  private convert(type: Type): AvroType {
    const kind = (type.typeName.split(':')[0] ?? '').replace('error', 'record')
    let fields: readonly AvroField[] | undefined
    let branches: readonly AvroType[] | undefined
    return {
      kind,
      branch: type.branchName ?? kind,
      size: kind === 'fixed' ? (type as types.FixedType).size : 0,
      symbols: kind === 'enum' ? (type as types.EnumType).symbols : [],
      fields: () => (fields ??= kind === 'record' ? this.fieldsOf(type as types.RecordType) : []),
      items: () => {
        if (kind === 'array') return this.of((type as types.ArrayType).itemsType)
        return kind === 'map' ? this.of((type as types.MapType).valuesType as Type) : undefined
      },
      branches: () =>
        (branches ??= kind === 'union' ? (type as types.WrappedUnionType).types.map((one) => this.of(one)) : []),
    }
  }

  private fieldsOf(type: types.RecordType): AvroField[] {
    return type.fields.map((field) => ({
      name: field.name,
      type: this.of(field.type),
      hasDefault: field.defaultValue() !== undefined,
      defaultValue: () => field.defaultValue() as unknown,
    }))
  }
}
