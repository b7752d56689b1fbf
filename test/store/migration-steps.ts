import { MIGRATIONS } from '../../daemon/store/tables/schema.ts'

/** As versions to come might have them: each touches every block. */
export const LATER_STEPS = [
  ...MIGRATIONS,
  'ALTER TABLE blocks ADD COLUMN note TEXT; UPDATE blocks SET note = hex(randomblob(200));',
  'CREATE TABLE moved AS SELECT * FROM blocks; DROP TABLE moved; CREATE INDEX blocks_by_note ON blocks (note); UPDATE blocks SET note = upper(note) || id;',
]
