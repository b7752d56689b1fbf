import type { types, Type } from 'avsc'

interface AvroField {
  readonly name: string
  readonly type: AvroType
  readonly hasDefault: boolean
  defaultValue(): unknown
}

/** A type of an Avro schema, as the readers go through it. */
export interface AvroType {
  /** null, boolean, int, long, float, double, bytes, string, fixed, enum, array, map, record or union. */
  readonly kind: string
  /** By which a union's JSON encoding names it. */
  readonly branch: string
  readonly size: number
  readonly symbols: readonly string[]
  /** Of a record. Asked for when it is needed: records may hold themselves. */
  fields(): readonly AvroField[]
  /** Of an array or map. */
  items(): AvroType | undefined
  /** Of a union. */
  branches(): readonly AvroType[]
}

/** Types of one schema, each made once. */
export class AvroTypes {
  private readonly made = new Map<Type, AvroType>()

  of(type: Type): AvroType {
    const known = this.made.get(type)
    if (known !== undefined) return known
    const view = this.view(type)
    this.made.set(type, view)
    return view
  }

  private view(type: Type): AvroType {
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
