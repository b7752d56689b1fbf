/**
 * Escapes, in JSON text, the characters that JSON leaves as they are and readers cannot see or terminals obey: DEL and C1, line
 * separators, marks of direction, zero width and byte order. JSON itself escapes C0.
 */
export function escapeUnseen(json: string): string {
  return UNSEEN.test(json) ? json.replaceAll(ALL_UNSEEN, escape) : json
}

const UNSEEN = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/
const ALL_UNSEEN = new RegExp(UNSEEN, 'g')

function escape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Escapes the same characters, and C0, in any text, as JSON does. */
export function escapeControls(text: string): string {
  return escapeUnseen(text).replaceAll(/\p{Cc}/gu, escape)
}
